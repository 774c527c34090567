import type { Answer, Passing, Stale } from "../explanation/explanation.js";
import type { Step } from "../execution/trace.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { briefRow, count, enumerate, oneLine, visible } from "./text.js";

/** A sentence; what is a number in it is the number of a step, from 1. */
export type Sentence = readonly (string | { readonly step: number })[];

/** Why a counterexample breaks, in words. Nothing that was not seen: where that is little, it says little. */
export interface Why {
  /** Which reads were stale, which write made them so, and what was written all the same. */
  readonly stale: readonly Sentence[];
  /** Which two steps to swap. */
  readonly swap: Sentence | null;
  /** That it happened: what overlapped, and which waits were real. */
  readonly proof: readonly Sentence[];
}

/** The reasons: what was stale, and which two steps to swap. */
export function reasonsOf({ stale, swap }: Why): readonly Sentence[] {
  return swap === null ? stale : [...stale, swap];
}

/** That it reproduces, as a sentence. */
export function confirmedText({ confirmed: { reproduced, times } }: Pick<Counterexample, "confirmed">): string {
  return `Replayed ${reproduced} of ${count(times, "time")} with the same steps.`;
}

/** Puts into words what is known of the reasons. Pure. */
export function whyOf(counterexample: Counterexample): Why {
  const { trace, explanation } = counterexample;
  const stale = (explanation?.stale ?? []).filter((each) => isWithin(each, trace.steps));
  return {
    stale: stale.map((each) => staleSentence(each, trace.steps)),
    swap: swapSentence(counterexample),
    proof: [...overlapSentences(counterexample), ...waitSentences(trace.steps)],
  };
}

/** The sentence as text, with `step 5` for what it refers to. */
export function sentenceText(sentence: Sentence): string {
  return sentence.map((part) => (typeof part === "string" ? part : `step ${part.step}`)).join("");
}

/** A file may have been edited by hand: what refers to no step is no reason. */
function isWithin({ read, since, write, used }: Stale, steps: readonly Step[]): boolean {
  return [read, since, write ?? 0, used].every((index) => steps[index] !== undefined);
}

function at(index: number): { readonly step: number } {
  return { step: index + 1 };
}

function staleSentence({ read, since, write, used, before, after }: Stale, steps: readonly Step[]): Sentence {
  const reader = visible(steps[read]!.actor);
  const writer = visible(steps[since]!.actor);
  const wrote = steps[write ?? since]!;
  const [had, became] = differenceOf(before, after, verbOf(wrote));
  const { outcome } = steps[used]!;
  const missed = outcome.kind === "rows" && outcome.rowCount === 0;
  return [
    `${reader} read ${had} at `,
    at(read),
    `. ${writer} ${became} at `,
    at(write ?? since),
    ...(write === null || write === since ? [] : [" (committed at ", at(since), ")"]),
    `. ${reader} wrote at `,
    at(used),
    missed ? " all the same, and hit no row." : " all the same.",
  ];
}

/** What was read, and what became of it. */
function differenceOf(before: Answer, after: Answer, verb: Verb | undefined): readonly [had: string, became: string] {
  const [one, other] = [before.rows[0], after.rows[0]];
  if (before.rowCount === 1 && after.rowCount === 1 && one !== undefined && other !== undefined) {
    const columns = Object.keys(one).filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
    const pick = (row: typeof one) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null]));
    return [briefRow(pick(one)), `made it ${briefRow(pick(other))}`];
  }
  const had = rowsText(before);
  if (verb === "deleted" && before.rowCount === 1 && after.rowCount === 0) return [had, "deleted it"];
  if (verb === "inserted" && before.rowCount === 0) return [had, `inserted ${rowsText(after)}`];
  return [had, `made that ${rowsText(after)}`];
}

function rowsText({ rowCount, rows }: Answer): string {
  if (rowCount === 0) return "no row";
  const [first] = rows;
  if (rowCount === 1) return first === undefined ? "a row" : `a row (${briefRow(first)})`;
  return count(rowCount, "row");
}

type Verb = "inserted" | "changed" | "deleted";

function verbOf({ outcome }: Step): Verb | undefined {
  const command = outcome.kind === "rows" ? outcome.command : "";
  return ({ INSERT: "inserted", UPDATE: "changed", DELETE: "deleted" } as const)[command];
}

function swapSentence({ trace, explanation }: Counterexample): Sentence | null {
  if (explanation === undefined) return null;
  const { swap } = explanation;
  if (new Set(trace.steps.map(({ actor }) => actor)).size < 2)
    return ["No order matters here: one actor alone breaks it."];
  if (swap === null) return ["No two steps of different actors conflict: any order of these steps breaks it."];
  const { tried, passing } = swap;
  if (passing === null)
    return [
      tried === 1
        ? "With the two steps swapped whose order matters it breaks, too."
        : `With any two neighbouring steps swapped it breaks, too (${tried} orders were run).`,
    ];
  return passingSentence(passing, trace.steps);
}

function passingSentence({ first, second, reason, breaks }: Passing, steps: readonly Step[]): Sentence {
  if (steps[first] === undefined || steps[second] === undefined) return [];
  return [
    "The window is between ",
    at(first),
    " and ",
    at(second),
    `: the other way round it holds, as a run showed. ${upperFirst(oneLine(reason))}.`,
    ...(breaks.length === 0
      ? []
      : [` (That run breaks something else: ${enumerate(breaks.map((each) => oneLine(each)))}.)`]),
  ];
}

/** A sentence that begins with a name begins with that name as it is. */
function upperFirst(text: string): string {
  return /^(?:both|each|an) /u.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** Operations of two actors that were under way at once. */
function overlapSentences({ trace }: Counterexample): Sentence[] {
  const ranges = trace.operations.flatMap(({ actor, operation, steps }) =>
    steps === null ? [] : [{ actor, operation, first: steps[0], last: steps[1] }],
  );
  const pairs = ranges.flatMap((one, index) =>
    ranges
      .slice(index + 1)
      .filter((other) => other.actor !== one.actor && one.first <= other.last && other.first <= one.last)
      .map((other) => [one, other] as const),
  );
  return pairs.slice(0, overlapsShown).map(([one, other]): Sentence => {
    const [from, to] = [Math.max(one.first, other.first), Math.min(one.last, other.last)];
    const who = `${visible(one.operation)} of ${visible(one.actor)} and ${visible(other.operation)} of ${visible(other.actor)} overlapped`;
    return from === to ? [`${who} at `, at(from), "."] : [`${who} from `, at(from), " to ", at(to), "."];
  });
}

const overlapsShown = 6;

/** Lock waits, as Postgres reported them. */
function waitSentences(steps: readonly Step[]): Sentence[] {
  return steps.flatMap(({ index, session, wait }): Sentence[] => {
    if (wait === null) return [];
    const whom = wait.holders.length === 0 ? "" : ` for ${enumerate(wait.holders.map((name) => visible(name)))}`;
    const itself = wait.until === null || wait.until === index;
    const end: Sentence = itself ? [", until it ended by itself."] : [", until ", at(wait.until), "."];
    return [
      [`Postgres made ${visible(session)} wait${whom} at `, at(index), ` (${oneLine(wait.on ?? wait.lock)})`, ...end],
    ];
  });
}
