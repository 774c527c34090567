import type { Claim } from "../../src/index.js";
import type { RolloutName } from "./expectations.js";
import type { invariants } from "./invariants.js";

interface MigrationClaim extends Claim {
  readonly implementations: readonly RolloutName[];
  readonly invariants: readonly (keyof typeof invariants)[];
}

/** What the analysis' "Migration Path" takes for granted. */
export const claims: readonly MigrationClaim[] = [
  {
    topic: "backward compatible",
    where: "Why This is Best, 4",
    implementations: ["as-written"],
    invariants: ["no statement names a column that is gone", "pages show numbers", "nothing is stuck"],
  },
  {
    topic: "log to detect discrepancies",
    where: "Migration Path, 2",
    implementations: ["as-written"],
    invariants: ["the discrepancy log raises no false alarm"],
  },
  {
    topic: "reconcile while the system is at work",
    where: "Migration Path, 3",
    implementations: ["as-written"],
    invariants: ["what is reconciled stays so"],
  },
  {
    topic: "reconcile so, once reports and retries are transactions",
    where: "Migration Path, 3",
    implementations: ["safe-order-naive-reconciliation", "safe-order-row-locks"],
    invariants: ["what is reconciled stays so"],
  },
  {
    topic: "remove the columns, then stop counting",
    where: "Migration Path, 4 and 5",
    implementations: ["as-written"],
    invariants: ["no statement names a column that is gone", "nothing is stuck"],
  },
  {
    topic: "the other way round",
    where: "Migration Path, 5 and 4",
    implementations: ["stop-counting-first"],
    invariants: ["no statement names a column that is gone", "nothing is stuck"],
  },
];
