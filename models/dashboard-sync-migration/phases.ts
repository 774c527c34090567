/**
 * Where a migration can be, in this order. The schema is the same for everybody; which code is deployed is the rollout's
 * own business.
 *
 * - `before`: the code that was found in production.
 * - `dual read`: pages show computed numbers, and compare them with the counters.
 * - `ready to drop`: the last moment at which the counters' columns are there.
 * - `columns dropped`: they are gone.
 * - `done`: nothing is left to do.
 */
export const phases = ["before", "dual read", "ready to drop", "columns dropped", "done"] as const;

export type Phase = (typeof phases)[number];

export const dropColumns = `ALTER TABLE run_metadata DROP COLUMN failed_workers, DROP COLUMN completed_workers`;

export function columnsAreGone(phase: Phase): boolean {
  return phases.indexOf(phase) >= phases.indexOf("columns dropped");
}
