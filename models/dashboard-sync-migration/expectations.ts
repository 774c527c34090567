import type { Expectation } from "../../src/index.js";

/** What each rollout does, from runs: every schedule with one switch of the examples, and long random ones. */
export const expectations = {
  "as-written": {
    violates: [
      "no statement names a column that is gone",
      "nothing is stuck",
      "the discrepancy log raises no false alarm",
      "what is reconciled stays so",
    ],
  },
  // Only who was at work when the code that counts was replaced still names the columns.
  "stop-counting-first": {
    violates: [
      "no statement names a column that is gone",
      "nothing is stuck",
      "the discrepancy log raises no false alarm",
      "what is reconciled stays so",
    ],
  },
  "stop-counting-before-dual-read": {
    violates: ["counters that pages show are kept", "no statement names a column that is gone", "pages show numbers"],
  },
  "safe-order-naive-reconciliation": { violates: ["nothing is stuck", "what is reconciled stays so"] },
  "safe-order-row-locks": { violates: ["what is reconciled stays so"] },
  "safe-rollout": "holds",
} as const satisfies Readonly<Record<string, Expectation>>;

export type RolloutName = keyof typeof expectations;
