import type { Queryable, RunWithStats } from "../../dashboard-sync/implementation.js";

/** Step 2 of the analysis' migration path: a page that shows a computed number compares it with the counter. */
export async function logDiscrepancy(
  db: Queryable,
  { runId, failedWorkers }: Pick<RunWithStats, "runId" | "failedWorkers">,
  counter: number | undefined,
): Promise<void> {
  if (failedWorkers === counter) return;
  await db.query(`INSERT INTO discrepancy_log (run_id, counter, computed) VALUES ($1, $2, $3)`, [
    runId,
    counter ?? null,
    failedWorkers,
  ]);
}
