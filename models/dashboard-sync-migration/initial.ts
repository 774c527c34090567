import { fc, type Rows } from "../../src/index.js";
import { seed, type Initial } from "../dashboard-sync/initial.js";
import { columnsAreGone, dropColumns, phases, type Phase } from "./phases.js";

/** A system in the middle of its migration. */
export interface MigrationInitial extends Initial {
  readonly phase: Phase;
  /** Whether the first partition is in the state that the analysis' timeline ends in (T7), if it has failed: no worker run. */
  readonly desynced: boolean;
}

export const initials: fc.Arbitrary<MigrationInitial> = fc.record({
  phase: fc.constantFrom(...phases),
  desynced: fc.constantFrom(false, false, true),
  runs: fc.tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom("failed" as const, "pending" as const)) },
      { weight: 1, arbitrary: fc.constant(["failed", "pending"] as const) },
    ),
  ),
});

export function seedOf(initial: MigrationInitial): Rows {
  const rows = seed(initial);
  if (!initial.desynced) return rows;
  return {
    ...rows,
    worker_runs: (rows["worker_runs"] ?? []).filter((row) => row["run_id"] !== "r1" || row["partition_id"] !== "p1"),
  };
}

export function prepare({ phase }: MigrationInitial): string {
  return columnsAreGone(phase) ? dropColumns : "";
}
