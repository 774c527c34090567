import type { Step, Trace } from "../execution/trace.js";
import type { Footprint } from "../footprint/footprint.js";
import type { Answer, Stale } from "./explanation.js";
import type { Reading } from "./watch.js";

/** How many are told; the first ones of each actor are the story. */
const atMost = 4;

/**
 * Queries whose answer was no longer true when their operation went on to write, as seen by asking them again. Silent where
 * that is not sure: where the same query, asked at once, is answered otherwise (by what its own transaction sees, or by a
 * function that is never twice the same).
 *
 * @param footprints Of the steps, by their indices.
 */
export function staleReads(
  { steps }: Pick<Trace, "steps">,
  readings: readonly Reading[],
  footprints: readonly Footprint[],
): Stale[] {
  return readings.flatMap((reading) => staleOf(reading, steps, footprints) ?? []).slice(0, atMost);
}

function staleOf(
  { read, answers }: Reading,
  steps: readonly Step[],
  footprints: readonly Footprint[],
): Stale | undefined {
  const first = answers.get(read.index);
  if (first === undefined || !isSame(first, answerOf(read))) return undefined;
  const used = steps.find(
    (step) =>
      step.index > read.index &&
      step.actor === read.actor &&
      step.operation === read.operation &&
      writes(step, footprints[step.index]) &&
      changed(read, answers, step.index) !== undefined,
  );
  if (used === undefined) return undefined;
  const since = changed(read, answers, used.index)!;
  // What the reader itself published by then, it knows of.
  if (steps[since]!.actor === read.actor) return undefined;
  const write = writeOf(steps[since]!, steps, read, footprints);
  const before = answers.get(since - 1);
  const after = answers.get(since);
  if (before === undefined || after === undefined) return undefined;
  return { read: read.index, since, write: write?.index ?? null, used: used.index, before, after };
}

/** The first step before `until` behind which the query is answered otherwise than before it. */
function changed(read: Step, answers: ReadonlyMap<number, Answer>, until: number): number | undefined {
  for (let index = read.index + 1; index < until; index++) {
    const [before, after] = [answers.get(index - 1), answers.get(index)];
    if (before !== undefined && after !== undefined && !isSame(before, after)) return index;
  }
  return undefined;
}

function writes({ kind, outcome }: Step, footprint: Footprint | undefined): boolean {
  if (kind !== "statement" || outcome.kind !== "rows" || footprint === undefined) return false;
  if (/^(?:COMMIT|ROLLBACK)$/.test(outcome.command)) return false;
  return (
    footprint.writes.length + footprint.publishes.length > 0 || /^(?:INSERT|UPDATE|DELETE|MERGE)$/.test(outcome.command)
  );
}

/** What a COMMIT published of what was read: the one statement of its transaction that wrote it. */
function writeOf(since: Step, steps: readonly Step[], read: Step, footprints: readonly Footprint[]): Step | undefined {
  if (since.outcome.kind === "rows" && since.outcome.command !== "COMMIT") return since;
  const tables = new Set(footprints[read.index]?.reads.map(({ table }) => table));
  const begin = steps.findLastIndex(
    ({ index, session, transaction }) => index < since.index && session === since.session && transaction === "none",
  );
  const candidates = steps.filter(
    ({ index, session, outcome }) =>
      index > begin &&
      index < since.index &&
      session === since.session &&
      outcome.kind === "rows" &&
      outcome.rowCount !== 0 &&
      footprints[index]?.writes.some(({ table }) => tables.has(table)),
  );
  return candidates.length === 1 ? candidates[0] : undefined;
}

function answerOf({ outcome }: Step): Answer {
  const { rowCount, rows = [] } = outcome.kind === "rows" ? outcome : { rowCount: 0 };
  return { rowCount: rowCount ?? 0, rows: rows as Answer["rows"] };
}

function isSame(a: Answer, b: Answer): boolean {
  return a.rowCount === b.rowCount && JSON.stringify(a.rows) === JSON.stringify(b.rows);
}
