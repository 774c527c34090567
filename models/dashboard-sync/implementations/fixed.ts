import type { Pool, PoolClient } from "pg";
import type { DashboardSync, WorkerRun } from "../implementation.js";
import type { WorkItem } from "../queue.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import { workersTable } from "./statements.js";
import { withTransaction } from "./with-transaction.js";

/**
 * Correct under every interleaving, for four reasons that can be read off it:
 *
 * 1. Whatever touches a partition is one transaction that first locks the partition's row, so two of them never mix.
 * 2. The counter moves only with a flag that really changed, in the same transaction, so it needs no `GREATEST`.
 * 3. A worker whose run was deleted by a retry is out of date: what it reports is dropped, and the work item that the
 *    retry sent decides. So is one that reports on a worker run that is completed.
 * 4. An answer of the dashboard is one statement, which has one snapshot.
 */
export function fixed(pool: Pool): DashboardSync {
  return {
    ...snapshotDashboard(pool, "run_metadata"),

    startWork: (item) =>
      withPartition(pool, item, async (client) => {
        await client.query(
          `INSERT INTO worker_runs (run_id, partition_id, status, payload)
           VALUES ($1, $2, 'running', $3)
           ON CONFLICT (run_id, partition_id) DO NOTHING`,
          [item.runId, item.partitionId, item],
        );
        const run = await client.query<WorkerRun>(
          `SELECT id FROM worker_runs WHERE run_id = $1 AND partition_id = $2`,
          [item.runId, item.partitionId],
        );
        return run.rows[0]!;
      }),

    recordFailure: (item, workerRun, errorMessage) =>
      withPartition(pool, item, async (client, partition) => {
        const updated = await client.query(
          `UPDATE worker_runs SET status = 'failed', error_message = $2, completed_at = NOW()
           WHERE id = $1 AND status <> 'completed'`,
          [workerRun.id, errorMessage],
        );
        if (updated.rowCount === 0 || partition.failed) return;
        await setFlags(client, item, { completed: false, failed: true });
        await client.query(`UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1`, [
          item.runId,
        ]);
      }),

    recordSuccess: (item, workerRun, recordsProcessed) =>
      withPartition(pool, item, async (client, partition) => {
        const updated = await client.query(
          `UPDATE worker_runs SET status = 'completed', error_message = NULL, records_processed = $2, completed_at = NOW()
           WHERE id = $1 AND status <> 'completed'`,
          [workerRun.id, recordsProcessed],
        );
        if (updated.rowCount === 0) return;
        await setFlags(client, item, { completed: true, failed: false });
        await client.query(`UPDATE run_metadata SET completed_workers = completed_workers + 1 WHERE run_id = $1`, [
          item.runId,
        ]);
        if (partition.failed) await decrementFailed(client, item);
      }),

    workersTable: (runId) => workersTable(pool, runId),

    resetFailedWorker: (item) =>
      withPartition(pool, item, async (client, partition) => {
        if (!partition.failed) return false;
        await client.query(`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2 AND status = 'failed'`, [
          item.runId,
          item.partitionId,
        ]);
        await setFlags(client, item, { completed: false, failed: false });
        await decrementFailed(client, item);
        return true;
      }),
  };
}

interface Flags {
  readonly completed: boolean;
  readonly failed: boolean;
}

/** Runs `body` in one transaction that holds the partition's row from its first statement on. */
async function withPartition<T>(
  pool: Pool,
  { runId, partitionId }: WorkItem,
  body: (client: PoolClient, partition: Flags) => Promise<T>,
): Promise<T> {
  return withTransaction(pool, async (client) => {
    const locked = await client.query<Flags>(
      `SELECT completed, failed FROM partition_progress WHERE run_id = $1 AND partition_id = $2 FOR UPDATE`,
      [runId, partitionId],
    );
    return body(client, locked.rows[0]!);
  });
}

async function setFlags(client: PoolClient, { runId, partitionId }: WorkItem, flags: Flags): Promise<void> {
  await client.query(
    `UPDATE partition_progress SET completed = $3, failed = $4, updated_at = NOW() WHERE run_id = $1 AND partition_id = $2`,
    [runId, partitionId, flags.completed, flags.failed],
  );
}

async function decrementFailed(client: PoolClient, { runId }: WorkItem): Promise<void> {
  await client.query(`UPDATE run_metadata SET failed_workers = failed_workers - 1 WHERE run_id = $1`, [runId]);
}
