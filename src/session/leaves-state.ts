const statement = String.raw`(^|;|\*/|--[^\n]*\n)\s*`;
const words = [
  String.raw`set\s+(?!local\b|transaction\b|constraints\b)`,
  String.raw`(reset|listen|load|declare|discard)\b`,
  String.raw`prepare\b(?!\s+transaction)`,
  // What it runs is written in another language.
  String.raw`do\b`,
];
const anywhere = [
  String.raw`\bpg_(try_)?advisory_lock`,
  String.raw`\bset_config\s*\((?![^)]*,\s*true\s*\))`,
  String.raw`\b(create\s+(local\s+|global\s+)?|into\s+)temp(orary)?\b`,
];

/** What outlives its transaction in the session that runs it, wherever it stands in a text: settings, locks, temporary tables. */
export const leavesState = new RegExp(`${statement}(${words.join("|")})|${anywhere.join("|")}`, "i");
