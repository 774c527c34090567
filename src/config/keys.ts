/**
 * Every key of a configuration, by command. Those of `check` stand at the top, and count for race tests, too, as far as
 * they have such an option; `postgres` counts everywhere. A key is called like its flag, and its environment variable
 * RACEPROOF_ and the same in capitals, behind the name of the command where the key stands in a section.
 */
export const configKeys = {
  check: [
    "postgres",
    "model",
    "implementation",
    "isolation",
    "faults",
    "strategy",
    "seed",
    "executions",
    "time",
    "lanes",
    "json",
    "reports",
    "shrinkTime",
    "counterexamples",
    "shard",
    "checkpoint",
    "reporter",
  ],
  merge: ["json", "reports", "counterexamples", "reporter", "shrink", "shrinkTime", "lanes", "model"],
  show: ["format", "allSteps", "open", "output"],
  list: ["counterexamples", "replay", "model", "json"],
  replay: ["times", "guided", "pauseAt", "model", "json"],
  explain: ["model", "json"],
  scenario: ["implementation", "all", "json"],
  spec: ["strategy", "format", "json", "lanes"],
  export: ["format", "output", "model"],
  doctor: ["json"],
} as const;

export type Command = keyof typeof configKeys;

/** The environment variable of a key. */
export function variableOf(command: string, key: string): string {
  const section = command === "check" || key === "postgres" ? "" : `${command}_`;
  return `RACEPROOF_${section}${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
}

/** What a user most likely meant: the key that is the fewest edits away (Levenshtein, 1966), if they are few. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((key) => [key, distance(word.toLowerCase(), key.toLowerCase())] as const);
  const [best] = ranked.toSorted(([, a], [, b]) => a - b);
  return best !== undefined && best[1] <= Math.max(1, Math.floor(word.length / 3)) ? best[0] : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
