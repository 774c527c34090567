import type { Expectation } from "../../src/index.js";
export const expectations = {
  legacy: "violates",
  "option-1a-count-partitions": "violates",
  "option-1a-repaired": "holds",
  "option-1b-count-worker-runs": "violates",
  "option-1b-repaired": "holds",
  "option-2-atomic-reset": "violates",
  "option-2-throwing-update": "violates",
  "option-2-repaired": "holds",
  "option-3-advisory-lock": "violates",
  "option-3-lock-held": "violates",
  "option-3-repaired": "holds",
  "fixed-without-lock": "violates",
  fixed: "holds",
} as const satisfies Readonly<Record<string, Expectation>>;

export type ImplementationName = keyof typeof expectations;
