import type { Explanation } from "../explanation/explanation.js";
import type { Step } from "../execution/trace.js";
import type { Bracket, Row, Table } from "./timeline.js";

/** Rows of a table that may be left out for one that says so. */
export interface Fold {
  /** The first and the last of them, by their places in the table. */
  readonly from: number;
  readonly to: number;
  /** What they are. */
  readonly text: string;
}

/** Fewer rows are not worth a fold. */
const fewest = 3;
/** The longest loop that is looked for, in steps. */
const longestLoop = 8;

/**
 * Which rows tell nothing that the others do not: steps that change nothing and on which no order hangs, and all rounds of a
 * loop but its first. A switch, a wait, the beginning and the end of an operation, and whatever is remarked of a step are
 * never among them, so neither is a row of another actor. Pure.
 *
 * @param explanation Without it nobody knows which reads matter: of the steps that change nothing only yield points go.
 */
export function foldsOf(rows: readonly Row[], steps: readonly Step[], explanation: Explanation | undefined): Fold[] {
  const told = explanation === undefined ? null : toldOf(explanation);
  const stepOf = (row: Row) => steps[row.number - 1]!;
  const dull = runsOf(rows, (row) => isDull(row, stepOf(row), told));
  const taken = new Set(dull.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at)));
  const loops = loopsOf(rows, (row, at) => (taken.has(at) ? null : repeatable(row, stepOf(row))));
  return [...dull.map((run) => ({ ...run, text: `${numbersOf(rows, run)} change nothing` })), ...loops].toSorted(
    (a, b) => a.from - b.from,
  );
}

/** The table with each fold as one row. */
export function folded<T extends Table>(table: T): T {
  const { rows, folds } = table;
  const shown = rows.flatMap((row, at): Row[] => {
    const fold = folds.find(({ from, to }) => from <= at && at <= to);
    if (fold === undefined) return [row];
    if (at !== fold.from) return [];
    const lines = [{ kind: "step", chunks: [[{ text: fold.text, role: "muted" }]] }] as const;
    const last = rows[fold.to]!;
    return [
      { ...row, kind: "folded", lines, brackets: row.brackets.map((first, i) => joined(first, last.brackets[i]!)) },
    ];
  });
  return { ...table, rows: shown };
}

/** How rows lie in a transaction, of which these are the first and the last. */
function joined(first: Bracket, last: Bracket): Bracket {
  const wasOpen = first === "inside" || first === "closes";
  const isOpen = last === "inside" || last === "opens";
  if (wasOpen) return isOpen ? "inside" : "closes";
  return isOpen ? "opens" : "none";
}

/** The steps whose order matters, and those that the reasons speak of. */
function toldOf({ edges, stale, swap }: Explanation): ReadonlySet<number> {
  const passing = swap?.passing ?? null;
  return new Set([
    ...edges.flatMap(({ from, to }) => [from, to]),
    ...stale.flatMap(({ read, since, write, used }) => [read, since, write ?? since, used]),
    ...(passing === null ? [] : [passing.first, passing.second]),
  ]);
}

/** Whether a row is a step's, with nothing beside it. */
function isPlain({ kind, switched, state, lines }: Row): boolean {
  return kind === "step" && !switched && state === null && lines.every((line) => /^(?:step|outcome)$/u.test(line.kind));
}

function isDull(row: Row, { kind, index, outcome, fault }: Step, told: ReadonlySet<number> | null): boolean {
  if (!isPlain(row) || fault !== undefined || outcome.kind === "error") return false;
  if (told?.has(index)) return false;
  if (outcome.kind === "passed") return kind === "yield";
  return told !== null && /^(?:SELECT|BEGIN|START TRANSACTION|SAVEPOINT|SHOW)$/u.test(outcome.command.toUpperCase());
}

/** What a step must have in common with one of another round; null for what is no part of a loop. */
function repeatable(row: Row, { session, kind, text, values, outcome }: Step): string | null {
  if (!isPlain(row)) return null;
  const { rows: _, ...came } = { rows: undefined, ...outcome };
  return JSON.stringify([session, kind, text, values, came]);
}

/** Neighbouring rows of which it is true, as many as are worth it. */
function runsOf(rows: readonly Row[], isOne: (row: Row) => boolean): Omit<Fold, "text">[] {
  const runs: Omit<Fold, "text">[] = [];
  for (let from = 0; from < rows.length; from++) {
    if (rows[from]!.kind !== "step" || !isOne(rows[from]!)) continue;
    let to = from;
    while (rows[to + 1]?.kind === "step" && isOne(rows[to + 1]!)) to += 1;
    if (to - from + 1 >= fewest) runs.push({ from, to });
    from = to;
  }
  return runs;
}

/** The rounds of loops behind their first ones. */
function loopsOf(rows: readonly Row[], keyOf: (row: Row, at: number) => string | null): Fold[] {
  const keys = rows.map((row, at) => (row.kind === "step" ? keyOf(row, at) : null));
  const folds: Fold[] = [];
  for (let at = 0; at < keys.length; at++) {
    const loop = loopAt(keys, at);
    if (loop === undefined) continue;
    const { length, rounds } = loop;
    const fold = { from: at + length, to: at + length * rounds - 1 };
    const same = length === 1 ? "the step above" : `the ${length} steps above`;
    folds.push({ ...fold, text: `${numbersOf(rows, fold)}: ${same}, ${times(rounds - 1)} more` });
    at = fold.to;
  }
  return folds;
}

/** The shortest loop that begins there and whose further rounds are worth a fold. */
function loopAt(
  keys: readonly (string | null)[],
  at: number,
): { readonly length: number; readonly rounds: number } | undefined {
  for (let length = 1; length <= longestLoop; length++) {
    let end = at + length;
    while (end < keys.length && keys[end] !== null && keys[end] === keys[end - length]) end += 1;
    const rounds = Math.floor((end - at) / length);
    if ((rounds - 1) * length >= fewest) return { length, rounds };
  }
  return undefined;
}

function numbersOf(rows: readonly Row[], { from, to }: Omit<Fold, "text">): string {
  return `steps ${rows[from]!.number} to ${rows[to]!.number}`;
}

function times(number: number): string {
  return number === 1 ? "once" : `${number} times`;
}
