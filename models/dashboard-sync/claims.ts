import type { ImplementationName } from "./expectations.js";
import type { invariants } from "./invariants.js";

export type InvariantName = keyof typeof invariants;

/** Something that the analysis says of an option, and where a run would show that it is not so. */
export interface Claim {
  /** Topic, in as few of the analysis' words as name it. */
  readonly topic: string;
  /** Where the analysis says it. */
  readonly where: string;
  /** The option as written. */
  readonly implementation: ImplementationName;
  /** What must hold for the claim to be true. */
  readonly invariants: readonly InvariantName[];
}

const counterContract = ["counter equals failed flags", "counter equals failed rows"] as const;

/** The claims of the analysis that runs can judge, to be set against what each implementation does. */
export const claims: readonly Claim[] = [
  // Of the code in production: these are the accusations, so here "violates" proves the analysis right.
  {
    topic: "the synchronization contract",
    where: "Root Cause Analysis",
    implementation: "legacy",
    invariants: counterContract,
  },
  {
    topic: "protected by GREATEST: doesn't go negative",
    where: "Additional Race Condition: Double Retry",
    implementation: "legacy",
    invariants: ["counter is never clamped"],
  },
  {
    topic: "idempotent failure marking: no partition both",
    where: "Architecture Overview",
    implementation: "legacy",
    invariants: ["no partition is completed and failed"],
  },
  {
    topic: "dashboard shows what the workers table shows",
    where: "Problem Statement",
    implementation: "legacy",
    invariants: ["no desync"],
  },
  {
    topic: "no race conditions possible",
    where: "Approach 1A, pros",
    implementation: "option-1a-count-partitions",
    invariants: ["no desync", "no torn read", "no partition is completed and failed", "nothing is stuck"],
  },
  {
    topic: "always consistent",
    where: "Approach 1A, pros",
    implementation: "option-1a-count-partitions",
    invariants: ["no desync", "no torn read"],
  },
  {
    topic: "partition state is authoritative",
    where: "Approach 1A, pros",
    implementation: "option-1a-count-partitions",
    invariants: ["failed flags equal failed rows", "completed counter, flags and rows agree"],
  },
  {
    topic: "eliminates race conditions entirely",
    where: "Why This is Best, 1, and Conclusion",
    implementation: "option-1a-count-partitions",
    invariants: ["no desync", "no torn read", "no partition is completed and failed", "nothing is stuck"],
  },
  {
    topic: "run status from computed values",
    where: "Phase 1",
    implementation: "option-1a-count-partitions",
    invariants: ["run status follows from the partitions"],
  },
  {
    topic: "minimal code changes: just update analytics queries",
    where: "Why This is Best, 3",
    implementation: "option-1a-count-partitions",
    invariants: ["dashboard counts are numbers", "no desync"],
  },
  {
    topic: "can keep failed_workers for reference",
    where: "Why This is Best, 4",
    implementation: "option-1a-count-partitions",
    invariants: counterContract,
  },
  {
    topic: "natural for dashboard display",
    where: "Approach 1B, pros",
    implementation: "option-1b-count-worker-runs",
    invariants: ["no desync", "no torn read"],
  },
  {
    topic: "worker runs can be deleted during retry",
    where: "Approach 1B, cons",
    implementation: "option-1b-count-worker-runs",
    invariants: ["failed flags equal failed rows", "run status follows from the partitions"],
  },
  {
    topic: "make the retry atomic and prevent concurrent updates",
    where: "Option 2",
    implementation: "option-2-atomic-reset",
    invariants: [...counterContract, "failed flags equal failed rows"],
  },
  {
    topic: "decrement only if something was deleted",
    where: "Option 2, step 4",
    implementation: "option-2-atomic-reset",
    invariants: ["counter is never clamped"],
  },
  {
    topic: "additional protection: skip failure tracking",
    where: "Option 2",
    implementation: "option-2-atomic-reset",
    invariants: ["counter equals failed rows", "failed flags equal failed rows"],
  },
  {
    topic: "prevent concurrent retry and worker failure updates",
    where: "Option 3",
    implementation: "option-3-advisory-lock",
    invariants: [...counterContract, "failed flags equal failed rows"],
  },
  {
    topic: "doesn't go negative",
    where: "Testing Scenarios, 2",
    implementation: "option-3-advisory-lock",
    invariants: ["counter is never clamped"],
  },
];
