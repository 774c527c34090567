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

export const everyone = Object.keys(expectations) as readonly ImplementationName[];

/** Those that let nobody in between and check what they report to; `fixed` is one of them. */
export const repaired = [
  "option-1a-repaired",
  "option-2-repaired",
  "option-3-repaired",
  "fixed",
] as const satisfies readonly ImplementationName[];

/** Those in which a worker writes as it does today, whatever it is that they do about retries and numbers. */
export const unchecked = [
  "legacy",
  "option-1a-count-partitions",
  "option-1b-count-worker-runs",
  "option-3-advisory-lock",
  "option-3-lock-held",
] as const satisfies readonly ImplementationName[];

/** The same end for several; a function where what they break depends on which of them it is. */
export function each(
  names: readonly ImplementationName[],
  ending: Ending | ((name: ImplementationName) => Ending),
): Record<string, Ending> {
  return Object.fromEntries(names.map((name) => [name, typeof ending === "function" ? ending(name) : ending]));
}

/**
 * What the dashboard makes of worker runs that are not what the flags say: 1B counts the worker runs, so that number and
 * table agree and the status is wrong; everybody else shows one thing above and another below.
 */
export function seenAs(name: ImplementationName): string {
  return name === "option-1b-count-worker-runs" ? status : desync;
}
