import type { Expectation } from "../../src/index.js";

export const expectations = {
  "as-written": "violates",
  "stop-counting-first": "violates",
  "stop-counting-before-dual-read": "violates",
  "safe-order-naive-reconciliation": "violates",
  "safe-order-row-locks": "violates",
  "safe-rollout": "holds",
} as const satisfies Readonly<Record<string, Expectation>>;

export type RolloutName = keyof typeof expectations;
