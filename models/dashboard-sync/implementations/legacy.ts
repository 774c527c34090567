import type { Pool } from "pg";
import type { DashboardSync, WorkerRun } from "../implementation.js";
import type { WorkItem } from "../queue.js";
import { workersTable } from "./workers-table.js";

/**
 * The code that the analysis found in production: every statement on its own, three places to keep in step.
 * What the analysis does not show is reconstructed, and says so.
 */
export function legacy(pool: Pool): DashboardSync {
  return {
    // Reconstructed: the analysis says that the worker "fetches existing worker_run" (T4) and that a first delivery
    // creates it as running (T0). A failed run that is fetched keeps its status: at T5 the retry still finds it failed.
    async startWork({ runId, partitionId }) {
      const existing = await fetchWorkerRun(pool, { runId, partitionId });
      if (existing !== undefined) return existing;
      const created = await pool.query<WorkerRun>(
        `INSERT INTO worker_runs (run_id, partition_id, status, payload)
         VALUES ($1, $2, 'running', $3)
         ON CONFLICT (run_id, partition_id) DO NOTHING
         RETURNING id`,
        [runId, partitionId, { runId, partitionId }],
      );
      return created.rows[0] ?? (await fetchWorkerRun(pool, { runId, partitionId })) ?? { id: "0" };
    },

    // As in the analysis: update by the remembered id, mark, increment if it was the first failure.
    async recordFailure({ runId, partitionId }, workerRun, errorMessage) {
      await pool.query(
        `UPDATE worker_runs SET status = 'failed', error_message = $2, completed_at = NOW() WHERE id = $1`,
        [workerRun.id, errorMessage],
      );
      const marked = await pool.query(
        `UPDATE partition_progress
         SET failed = TRUE, updated_at = NOW()
         WHERE run_id = $1 AND partition_id = $2
           AND failed = FALSE AND completed = FALSE
         RETURNING TRUE as marked`,
        [runId, partitionId],
      );
      const isFirstFailure = marked.rows.length > 0;
      if (isFirstFailure) {
        await pool.query(`UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1`, [runId]);
      }
    },

    // Reconstructed after the pattern of a failure. A success after a failure takes the failure back, which is what the
    // `decrementFailedWorkers` that the analysis mentions must have been for.
    async recordSuccess({ runId, partitionId }, workerRun, recordsProcessed) {
      await pool.query(
        `UPDATE worker_runs
         SET status = 'completed', error_message = NULL, records_processed = $2, completed_at = NOW()
         WHERE id = $1`,
        [workerRun.id, recordsProcessed],
      );
      const marked = await pool.query<{ was_failed: boolean }>(
        `UPDATE partition_progress pp
         SET completed = TRUE, failed = FALSE, updated_at = NOW()
         FROM (SELECT failed FROM partition_progress WHERE run_id = $1 AND partition_id = $2 FOR UPDATE) before
         WHERE pp.run_id = $1 AND pp.partition_id = $2 AND pp.completed = FALSE
         RETURNING before.failed as was_failed`,
        [runId, partitionId],
      );
      const first = marked.rows[0];
      if (first === undefined) return;
      await pool.query(`UPDATE run_metadata SET completed_workers = completed_workers + 1 WHERE run_id = $1`, [runId]);
      if (first.was_failed) {
        await pool.query(`UPDATE run_metadata SET failed_workers = GREATEST(0, failed_workers - 1) WHERE run_id = $1`, [
          runId,
        ]);
      }
    },

    workersTable: (runId) => workersTable(pool, runId),

    // As in the analysis: three unconditional statements; the new work item is sent whatever they did.
    async resetFailedWorker({ runId, partitionId }) {
      await pool.query(`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2 AND status = 'failed'`, [
        runId,
        partitionId,
      ]);
      await pool.query(
        `UPDATE partition_progress
         SET failed = FALSE, updated_at = NOW()
         WHERE run_id = $1 AND partition_id = $2 AND failed = TRUE`,
        [runId, partitionId],
      );
      await pool.query(`UPDATE run_metadata SET failed_workers = GREATEST(0, failed_workers - 1) WHERE run_id = $1`, [
        runId,
      ]);
      return true;
    },
  };
}

async function fetchWorkerRun(pool: Pool, { runId, partitionId }: WorkItem): Promise<WorkerRun | undefined> {
  const found = await pool.query<WorkerRun>(`SELECT * FROM worker_runs WHERE run_id = $1 AND partition_id = $2`, [
    runId,
    partitionId,
  ]);
  return found.rows[0];
}
