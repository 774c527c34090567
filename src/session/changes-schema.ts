const words = String.raw`create|alter|drop|comment|grant|revoke|reassign|security|import|do|call`;

/** At the beginning of any statement of a text. Temporary tables are their session's own. */
const ddl = new RegExp(String.raw`(^|;|\*/|--[^\n]*\n)\s*(${words})\b(?!\s+((local|global)\s+)?temp(orary)?\b)`, "i");

const known = new Map<string, boolean>();

/** Whether a text may change the schema; what DO and CALL run is not looked into. */
export function changesSchema(text: string): boolean {
  let answer = known.get(text);
  if (answer === undefined) {
    answer = ddl.test(text);
    // Texts with values in them are all different: what is remembered is for those that come again and again.
    if (known.size < 10_000) known.set(text, answer);
  }
  return answer;
}
