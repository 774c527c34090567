import type { Ending, OperationCall } from "../../src/index.js";
import { expectations, type ImplementationName } from "../../models/dashboard-sync/expectations.js";
import model from "../../models/dashboard-sync/model.js";

export { model };

type Outcome = "fails" | "succeeds";

const target = { run: 1, partition: 1 };

/** A worker gets a message of run 1: a new one, if there is one. */
export function deliver(outcome: Outcome, partition = 1): OperationCall {
  return { operation: "deliver", parameters: { run: 1, partition, outcome } };
}

/** A worker gets a message again, after it was abandoned or its lock expired. */
export function redeliver(outcome: Outcome): OperationCall {
  return { operation: "redeliver", parameters: { ...target, outcome } };
}

export const retry: OperationCall = { operation: "retry", parameters: target };
export const doubleRetry: OperationCall = { operation: "double retry", parameters: target };
export const expire: OperationCall = { operation: "expire", parameters: target };
export const handleDeadLetter: OperationCall = { operation: "handle dead letter", parameters: target };
export const viewRun: OperationCall = { operation: "view run", parameters: { run: 1 } };

/** The invariants by the part of the contract that they guard. */
export const flags = "counter equals failed flags";
export const rows = "counter equals failed rows";
export const flagsAndRows = "failed flags equal failed rows";
export const completed = "completed counter, flags and rows agree";
export const both = "no partition is completed and failed";
export const clamped = "counter is never clamped";
export const desync = "no desync";
export const torn = "no torn read";
export const status = "run status follows from the partitions";
/** After some COMMIT, be it the last one or not. */
export const apart = "no reader sees them apart";
export const stuck = "nothing is stuck";
export const order = "some sequential order explains it";

export const everyone = Object.keys(expectations) as readonly ImplementationName[];

/** Those that let nobody in between and check what they report to; `fixed` is one of them. */
export const repaired = [
  "option-1a-repaired",
  "option-1b-repaired",
  "option-2-repaired",
  "option-3-repaired",
  "fixed",
] as const satisfies readonly ImplementationName[];

/** Those whose worker does not notice that its worker run is gone, whatever they do about retries and numbers. */
export const unchecked = [
  "legacy",
  "option-1a-count-partitions",
  "option-1b-count-worker-runs",
  "option-2-atomic-reset",
  "option-3-advisory-lock",
  "option-3-lock-held",
] as const satisfies readonly ImplementationName[];

/** Those whose worker reports in separate statements, so that readers see what is between them. */
export const piecemeal = [
  "legacy",
  "option-1a-count-partitions",
  "option-1b-count-worker-runs",
  "option-2-atomic-reset",
  "option-2-throwing-update",
  "option-3-advisory-lock",
] as const satisfies readonly ImplementationName[];

/** The same end for several; a function where what they break depends on which of them it is. */
export function each(
  names: readonly ImplementationName[],
  ending: Ending | ((name: ImplementationName) => Ending),
): Record<string, Ending> {
  return Object.fromEntries(names.map((name) => [name, typeof ending === "function" ? ending(name) : ending]));
}

/** The same end for everybody, which those who report in pieces come to by way of what does not fit together. */
export function allEndIn(ending: Ending): Record<string, Ending> {
  return { ...each(everyone, ending), ...each(piecemeal, byPieces(ending)) };
}

export function byPieces({ display, breaks }: Ending): Ending {
  return { display, breaks: [...breaks, apart] };
}

/**
 * What the dashboard makes of worker runs that are not what the flags say: 1B counts the worker runs, so that number and
 * table agree and the status is wrong; everybody else shows one thing above and another below.
 */
export function seenAs(name: ImplementationName): string {
  return name === "option-1b-count-worker-runs" ? status : desync;
}
