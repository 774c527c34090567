import { partsOf } from "../execution/model.js";
import type { Budget } from "../explore/explore.js";
import type { ExpectedRow } from "./rows.js";

/**
 * Executions for each implementation under each condition, unless said otherwise: at most `most`, and `inAll` for all
 * together; where there are more than `many.rows`, so many for those that are to break something without faults, and for
 * the others.
 */
export const defaultExecutions = { most: 2_000, inAll: 8_000, many: { rows: 20, toBreak: 170, others: 100 } };

/** Executions that a row with a limit in time gets before what it is recorded to break is enough. */
const leastInTime = 320;

/** How far the user wants to go. */
export interface Asked {
  readonly executions?: number | undefined;
  /** For all rows together. */
  readonly seconds?: number | undefined;
}

/**
 * How far to go for one row.
 *
 * @param rest How many rows there are still to come, this one included, which share what is left of the time.
 * @param left Seconds that are left.
 * @param broken Invariants that are known to break here already.
 */
export function budgetOf(
  row: ExpectedRow,
  count: number,
  { executions, seconds }: Asked,
  rest: number,
  left: number,
  broken: ReadonlySet<string>,
): Budget {
  if (seconds === undefined) return { executions: executions ?? executionsFor(row, count) };
  const share = { seconds: left / rest };
  if (executions !== undefined) return { executions, ...share };
  const { expected } = row;
  if (expected === null || typeof expected === "string") return { executions: Infinity, ...share };
  // What has broken all that it is recorded to break has said enough: others need the time more.
  const invariants = expected.violates.filter((invariant) => !broken.has(invariant));
  return { executions: Infinity, ...share, enough: { invariants, executions: leastInTime } };
}

function executionsFor({ condition, expected }: ExpectedRow, count: number): number {
  const { most, inAll, many } = defaultExecutions;
  if (count <= many.rows) return Math.min(most, Math.floor(inAll / count));
  // Those that are to break something without faults need the most: every one of their cells is to be found.
  const isToBreak = expected !== null && typeof expected !== "string" && !partsOf(condition).faults;
  return isToBreak ? many.toBreak : many.others;
}

/** Where time is limited, what is expected to hold comes last, and so gets what the others leave: that something breaks shows soon. */
export function inOrderOfTime(rows: readonly ExpectedRow[]): ExpectedRow[] {
  return rows.toSorted((a, b) => Number(isToHold(a)) - Number(isToHold(b)));
}

function isToHold({ expected }: ExpectedRow): boolean {
  return expected === "holds" || expected === null;
}
