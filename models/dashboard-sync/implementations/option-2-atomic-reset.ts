import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import type { PartitionKey } from "../queue.js";
import { todaysDashboard } from "./todays-dashboard.js";
import { withTransaction } from "./with-transaction.js";
import { todaysWorker } from "./worker.js";

/**
 * Option 2 as written, with its "additional protection": the retry is one transaction that locks the failed worker run.
 * The worker's own statements are still each on its own.
 *
 * The protection catches what `updateWorkerRun` throws when the worker run is gone, logs it, and throws it on. But
 * `updateWorkerRun` throws nothing then: at T6 of the analysis' own timeline it hits no row, and the worker goes on to
 * mark and to increment. So the protection catches only what failed anyway, and throwing that on changes nothing: the
 * worker is today's. (`option-2-throwing-update` is the option with an `updateWorkerRun` that does throw.)
 */
export function option2AtomicReset(pool: Pool): DashboardSync {
  return {
    ...todaysWorker(pool),
    ...todaysDashboard(pool),
    resetFailedWorker: (item) => resetAtomically(pool, item),
  };
}

/**
 * As in the analysis, comments included. It returns nothing, so the caller cannot know whether there was anything to
 * reset, and sends a new work item either way.
 */
export function resetAtomically(pool: Pool, { runId, partitionId }: PartitionKey): Promise<void> {
  return withTransaction(pool, async (client) => {
    // 1. Get the current state first
    const result = await client.query(
      `SELECT * FROM worker_runs
       WHERE run_id = $1 AND partition_id = $2 AND status = 'failed'
       FOR UPDATE`, // Lock the row
      [runId, partitionId],
    );
    if (result.rows.length === 0) return; // No failed worker found, nothing to reset
    // 2. Delete worker_run
    await client.query(`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2 AND status = 'failed'`, [
      runId,
      partitionId,
    ]);
    // 3. Reset partition progress
    await client.query(
      `UPDATE partition_progress
       SET failed = FALSE, updated_at = NOW()
       WHERE run_id = $1 AND partition_id = $2 AND failed = TRUE`,
      [runId, partitionId],
    );
    // 4. Decrement counter ONLY if we actually deleted something
    await client.query(`UPDATE run_metadata SET failed_workers = GREATEST(0, failed_workers - 1) WHERE run_id = $1`, [
      runId,
    ]);
  });
}
