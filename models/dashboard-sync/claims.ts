import type { Claim, Condition } from "../../src/index.js";
import type { ImplementationName } from "./expectations.js";
import type { invariants } from "./invariants.js";

type InvariantName = keyof typeof invariants | "some sequential order explains it";

interface DashboardClaim extends Claim {
  readonly implementations: readonly ImplementationName[];
  readonly invariants: readonly InvariantName[];
}

const contract = ["counter equals failed flags", "counter equals failed rows"] as const;

/** What "consistent" can mean at all: of the places, of what is shown in the end, and of what is shown in between. */
const consistent = [
  "failed flags equal failed rows",
  "completed counter, flags and rows agree",
  "no desync",
  "no torn read",
] as const;

const withFaults: readonly Condition[] = ["read committed, with faults"];

/**
 * What the analysis claims, in its own few words, and what must hold for it to be so. Of the code in production, where it
 * accuses, a claim that is found false proves the analysis right.
 */
export const claims: readonly DashboardClaim[] = [
  {
    topic: "the synchronization contract",
    where: "Root Cause Analysis",
    implementations: ["legacy"],
    invariants: contract,
  },
  {
    topic: "idempotent failure marking",
    where: "Architecture Overview; Testing Scenarios, 4",
    implementations: ["legacy"],
    invariants: ["a failure counts once before it is taken back"],
  },
  {
    topic: "idempotent failure marking, when processes die",
    where: "Architecture Overview; Testing Scenarios, 4",
    implementations: ["legacy"],
    conditions: withFaults,
    invariants: ["a failure counts once before it is taken back"],
  },
  {
    topic: "does not go negative (protected by GREATEST)",
    where: "Additional Race Condition: Double Retry",
    implementations: ["legacy"],
    invariants: ["counters stay within 0 and the expected workers"],
  },
  {
    topic: "no decrement without a failure",
    where: "Additional Race Condition: Double Retry",
    implementations: ["legacy"],
    invariants: ["counter is never clamped"],
  },
  {
    topic: "analytics show what the workers table shows",
    where: "Problem Statement",
    implementations: ["legacy"],
    invariants: ["no desync"],
  },
  {
    topic: "no race conditions possible",
    where: "Approach 1A, Pros",
    implementations: ["option-1a-count-partitions"],
    invariants: [...consistent, "no partition is completed and failed", "some sequential order explains it"],
  },
  {
    topic: "always consistent",
    where: "Approach 1A, Pros",
    implementations: ["option-1a-count-partitions"],
    invariants: [...consistent, "no reader sees them apart"],
  },
  {
    topic: "partition state is authoritative",
    where: "Approach 1A, Pros",
    implementations: ["option-1a-count-partitions"],
    invariants: ["failed flags equal failed rows", "some sequential order explains it"],
  },
  {
    topic: "natural for dashboard display",
    where: "Approach 1B, Pros",
    implementations: ["option-1b-count-worker-runs"],
    invariants: ["no desync", "no torn read"],
  },
  {
    topic: "worker runs can be deleted during retry",
    where: "Approach 1B, Cons",
    implementations: ["option-1b-count-worker-runs"],
    invariants: ["failed flags equal failed rows", "run status follows from the partitions"],
  },
  {
    topic: "all updates atomic",
    where: "Option 2",
    implementations: ["option-2-atomic-reset"],
    invariants: [...contract, "failed flags equal failed rows"],
  },
  {
    topic: "decrement only if something was deleted",
    where: "Option 2, step 4",
    implementations: ["option-2-atomic-reset"],
    invariants: ["counter is never clamped"],
  },
  {
    topic: "worker run gone: skip failure tracking",
    where: "Option 2, Additional Protection",
    implementations: ["option-2-atomic-reset"],
    invariants: ["counter equals failed rows", "failed flags equal failed rows"],
  },
  {
    topic: "the same, if the update did throw",
    where: "Option 2, Additional Protection",
    implementations: ["option-2-throwing-update"],
    invariants: ["counter equals failed rows", "failed flags equal failed rows"],
  },
  {
    topic: "prevent concurrent retry and worker failure updates",
    where: "Option 3",
    implementations: ["option-3-advisory-lock"],
    invariants: [...contract, "failed flags equal failed rows"],
  },
  {
    topic: "the same, with the lock held to the end",
    where: "Option 3",
    implementations: ["option-3-lock-held"],
    invariants: [...contract, "failed flags equal failed rows"],
  },
  {
    topic: "eliminates race conditions entirely",
    where: "Why This is Best, 1; Conclusion",
    implementations: ["option-1a-count-partitions"],
    invariants: [
      ...consistent,
      "no partition is completed and failed",
      "run status follows from the partitions",
      "some sequential order explains it",
    ],
  },
  {
    topic: "no counter to get out of sync",
    where: "Why This is Best, 1",
    implementations: ["option-1a-count-partitions"],
    invariants: ["run status follows from the partitions"],
  },
  {
    topic: "leverages existing idempotency logic",
    where: "Why This is Best, 2",
    implementations: ["option-1a-count-partitions"],
    invariants: ["no partition is completed and failed", "failed flags equal failed rows"],
  },
  {
    topic: "just update analytics queries",
    where: "Why This is Best, 3",
    implementations: ["option-1a-count-partitions"],
    invariants: ["no desync", "dashboard counts are numbers"],
  },
  {
    topic: "backward compatible: keep failed_workers for reference",
    where: "Why This is Best, 4",
    implementations: ["option-1a-count-partitions"],
    invariants: contract,
  },
];
