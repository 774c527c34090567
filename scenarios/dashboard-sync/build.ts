import type { OperationCall } from "../../src/index.js";
import model from "../../models/dashboard-sync/model.js";

export { model };

const target = { run: 1, partition: 1 };

/** A worker gets the message of run 1, partition 1. */
export function deliver(outcome: "fails" | "succeeds"): OperationCall {
  return { operation: "deliver", parameters: { ...target, outcome } };
}

/** A worker gets that message again, after it was abandoned. */
export function redeliver(outcome: "fails" | "succeeds"): OperationCall {
  return { operation: "redeliver", parameters: { ...target, outcome } };
}

export const retry: OperationCall = { operation: "retry", parameters: target };
export const doubleRetry: OperationCall = { operation: "double retry", parameters: target };

/** The invariants by the part of the contract that they guard. */
export const flags = "counter equals failed flags";
export const rows = "counter equals failed rows";
export const clamped = "counter is never clamped";
