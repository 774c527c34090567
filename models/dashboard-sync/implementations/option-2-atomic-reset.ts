import type { Pool } from "pg";
import { WorkerRunGone, type DashboardSync, type WorkerRun } from "../implementation.js";
import {
  decrementFailedWorkers,
  incrementCompletedWorkers,
  incrementFailedWorkers,
  markPartitionCompleted,
  markPartitionFailed,
  startWork,
  updateWorkerRunCompleted,
  updateWorkerRunFailed,
  workersTable,
} from "./statements.js";
import { todaysDashboard } from "./todays-dashboard.js";
import { withTransaction } from "./with-transaction.js";

/**
 * Option 2, with its "additional protection": the retry is one transaction that locks the failed worker run; the worker
 * stops when its worker run is gone. The worker's own statements are still each on its own.
 */
export function option2AtomicReset(pool: Pool): DashboardSync {
  return {
    ...todaysDashboard(pool),
    startWork: (item) => startWork(pool, item),

    // The analysis lets `updateWorkerRun` throw, logs, skips the tracking and throws on: the message fails.
    async recordFailure(item, workerRun, errorMessage) {
      expectUpdated(await updateWorkerRunFailed(pool, workerRun, errorMessage), workerRun);
      const isFirstFailure = await markPartitionFailed(pool, item);
      if (isFirstFailure) await incrementFailedWorkers(pool, item);
    },

    // A success goes through the same `updateWorkerRun`, so it fails the message, too, when the worker run is gone.
    async recordSuccess(item, workerRun, recordsProcessed) {
      expectUpdated(await updateWorkerRunCompleted(pool, workerRun, recordsProcessed), workerRun);
      const { first, wasFailed } = await markPartitionCompleted(pool, item);
      if (!first) return;
      await incrementCompletedWorkers(pool, item);
      if (wasFailed) await decrementFailedWorkers(pool, item);
    },

    workersTable: (runId) => workersTable(pool, runId),

    // As in the analysis, comments included. It returns nothing, so the caller cannot know whether there was anything
    // to reset, and sends a new work item either way.
    async resetFailedWorker({ runId, partitionId }) {
      await withTransaction(pool, async (client) => {
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
        await client.query(
          `UPDATE run_metadata SET failed_workers = GREATEST(0, failed_workers - 1) WHERE run_id = $1`,
          [runId],
        );
      });
      return true;
    },
  };
}

/** @throws {WorkerRunGone} When the update hit no row. */
export function expectUpdated(rows: number, { id }: WorkerRun): void {
  if (rows === 0) throw new WorkerRunGone(`worker run ${id} no longer exists, skipping failure tracking`);
}
