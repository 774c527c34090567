import type { Expectation } from "../../src/index.js";

/**
 * What each implementation does, from runs and not from what anybody expects: each invariant that is named breaks within
 * the default budget whatever the seed, and no other has ever been seen to break.
 */
export const expectations = {
  legacy: {
    violates: [
      "counter equals failed flags",
      "counter equals failed rows",
      "failed flags equal failed rows",
      "completed counter, flags and rows agree",
      "no partition is completed and failed",
      "counter is never clamped",
      "no desync",
      "no torn read",
      "run status follows from the partitions",
    ],
  },
  // Its status is computed from the partitions, so it follows from them. Everything else stays as it was, for the flags
  // drift away from the table of workers as the counter did; and phase 1 passes Postgres' bigints on as text.
  "option-1a-count-partitions": {
    violates: [
      "counter equals failed flags",
      "counter equals failed rows",
      "failed flags equal failed rows",
      "completed counter, flags and rows agree",
      "no partition is completed and failed",
      "counter is never clamped",
      "no desync",
      "no torn read",
      "dashboard counts are numbers",
    ],
  },
  "option-1a-repaired": "holds",
  // Number and table come from the same rows: no desync. But the rows are not what the partitions are.
  "option-1b-count-worker-runs": {
    violates: [
      "counter equals failed flags",
      "counter equals failed rows",
      "failed flags equal failed rows",
      "completed counter, flags and rows agree",
      "no partition is completed and failed",
      "counter is never clamped",
      "no torn read",
      "run status follows from the partitions",
    ],
  },
  // The retry is atomic; what it comes in between is not.
  "option-2-atomic-reset": {
    violates: [
      "counter equals failed flags",
      "counter equals failed rows",
      "failed flags equal failed rows",
      "completed counter, flags and rows agree",
      "no partition is completed and failed",
      "counter is never clamped",
      "no desync",
      "no torn read",
      "run status follows from the partitions",
    ],
  },
  "option-2-repaired": "holds",
  // A lock that is given back before it protects anything: as if it were not there.
  "option-3-advisory-lock": {
    violates: [
      "counter equals failed flags",
      "counter equals failed rows",
      "failed flags equal failed rows",
      "completed counter, flags and rows agree",
      "no partition is completed and failed",
      "counter is never clamped",
      "no desync",
      "no torn read",
      "run status follows from the partitions",
    ],
  },
  // Nobody's option, only the step in between: which invariants it breaks within a budget depends on the seed.
  "option-3-lock-held": "violates",
  "option-3-repaired": "holds",
  fixed: "holds",
} as const satisfies Readonly<Record<string, Expectation>>;

export type ImplementationName = keyof typeof expectations;
