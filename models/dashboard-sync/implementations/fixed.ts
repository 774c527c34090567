import type { Pool, PoolClient } from "pg";
import type { DashboardSync, WorkerRun } from "../implementation.js";
import type { WorkItem } from "../queue.js";
import { repeat } from "./repeat.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import { workersTable } from "./statements.js";
import { withTransaction } from "./with-transaction.js";

/**
 * Correct under every interleaving, every fault and every isolation level, for six reasons that can be read off it:
 *
 * 1. Whatever touches a partition is one transaction that first locks the partition's row, so two of them never mix,
 *    and a process that dies leaves all of it or nothing.
 * 2. Every work item says which attempt it is for, and a retry begins the next attempt. What is about another attempt
 *    than the current one is outdated, and dropped: a worker cannot overwrite a retry that it did not notice, and a second
 *    press on the same page retries nothing.
 * 3. Flags, worker run and counter move together, and only if the flag really changes: each change can be repeated
 *    without being done twice. So it *is* repeated when Postgres gives up on it, or when the connection breaks and nobody
 *    knows whether its COMMIT happened.
 * 4. The retry's work item is written by the retry's own transaction, and sent from there: once the reset is committed,
 *    no crash can keep it from being sent. It may be sent twice, which point 3 makes harmless.
 * 5. A message that is dead-lettered before anybody reported a failure is reported as one, so that the user can retry.
 * 6. An answer of the dashboard is one statement, which has one snapshot.
 */
export function fixed(pool: Pool, lock: Lock = "FOR UPDATE"): DashboardSync {
  const onPartition = partitions(pool, lock);
  const dashboard = snapshotDashboard(pool, "run_metadata");

  /** The worker run may not be there: a worker can die, again and again, before it creates one. */
  const fail = (item: WorkItem, errorMessage: string) =>
    onPartition(item, async (client, partition) => {
      if (partition.completed || partition.failed) return;
      await client.query(
        `INSERT INTO worker_runs (run_id, partition_id, status, payload, error_message, completed_at)
         VALUES ($1, $2, 'failed', $3, $4, NOW())
         ON CONFLICT (run_id, partition_id)
         DO UPDATE SET status = 'failed', error_message = $4, completed_at = NOW()`,
        [item.runId, item.partitionId, item, errorMessage],
      );
      await setFlags(client, item, { completed: false, failed: true });
      await client.query(`UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1`, [item.runId]);
    });

  return {
    ...dashboard,
    getRunsWithStats: () => repeat(() => dashboard.getRunsWithStats()),
    getRunDetails: (runId) => repeat(() => dashboard.getRunDetails(runId)),
    workersTable: (runId) => repeat(() => workersTable(pool, runId)),

    startWork: (item) =>
      onPartition(item, async (client) => {
        await client.query(
          `INSERT INTO worker_runs (run_id, partition_id, status, payload)
           VALUES ($1, $2, 'running', $3)
           ON CONFLICT (run_id, partition_id) DO NOTHING`,
          [item.runId, item.partitionId, item],
        );
        const run = await client.query<WorkerRun>(
          `SELECT id FROM worker_runs WHERE run_id = $1 AND partition_id = $2 ORDER BY id`,
          [item.runId, item.partitionId],
        );
        return run.rows[0]!;
      }),

    recordFailure: (item, _workerRun, errorMessage) => fail(item, errorMessage),

    // A success after a failure, by another delivery of the same attempt, takes the failure back.
    recordSuccess: (item, _workerRun, recordsProcessed) =>
      onPartition(item, async (client, partition) => {
        if (partition.completed) return;
        await client.query(
          `UPDATE worker_runs
           SET status = 'completed', error_message = NULL, records_processed = $3, completed_at = NOW()
           WHERE run_id = $1 AND partition_id = $2`,
          [item.runId, item.partitionId, recordsProcessed],
        );
        await setFlags(client, item, { completed: true, failed: false });
        await client.query(`UPDATE run_metadata SET completed_workers = completed_workers + 1 WHERE run_id = $1`, [
          item.runId,
        ]);
        if (partition.failed) await decrementFailed(client, item);
      }),

    resetFailedWorker: (item) =>
      onPartition(item, async (client, partition) => {
        if (!partition.failed) return;
        await client.query(`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2`, [
          item.runId,
          item.partitionId,
        ]);
        const next = { ...item, attempt: item.attempt + 1 };
        await client.query(
          `UPDATE partition_progress SET failed = FALSE, attempt = $3, updated_at = NOW()
           WHERE run_id = $1 AND partition_id = $2`,
          [next.runId, next.partitionId, next.attempt],
        );
        await decrementFailed(client, item);
        await client.query(`INSERT INTO work_item_outbox (item) VALUES ($1)`, [next]);
      }),

    outbox: {
      async relay(send) {
        const owed = await repeat(() =>
          pool.query<{ id: string; item: WorkItem }>(`SELECT id, item FROM work_item_outbox ORDER BY id`),
        );
        for (const { id, item } of owed.rows) {
          await send(item);
          await repeat(() => pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id]));
        }
      },
      recordDeadLetter: (item) => fail(item, "given up after too many deliveries"),
    },
  };
}

interface Partition {
  readonly completed: boolean;
  readonly failed: boolean;
  readonly attempt: number;
}

/** How the partition's row is read: locked, or (which is no good, but see `fixed-without-lock`) just read. */
type Lock = "FOR UPDATE" | "";

/** How to work on a partition. */
function partitions(pool: Pool, lock: Lock) {
  /**
   * Runs `body` in one transaction that holds the partition's row from its first statement on, as often as it takes.
   *
   * @returns Undefined, without having run it, when the work item is for another attempt than the current one.
   */
  return <T>(item: WorkItem, body: (client: PoolClient, partition: Partition) => Promise<T>): Promise<T | undefined> =>
    repeat(() =>
      withTransaction(pool, async (client) => {
        const found = await client.query<Partition>(
          `SELECT completed, failed, attempt FROM partition_progress WHERE run_id = $1 AND partition_id = $2 ${lock}`,
          [item.runId, item.partitionId],
        );
        const partition = found.rows[0]!;
        return partition.attempt === item.attempt ? body(client, partition) : undefined;
      }),
    );
}

async function setFlags(
  client: PoolClient,
  { runId, partitionId }: WorkItem,
  { completed, failed }: Pick<Partition, "completed" | "failed">,
): Promise<void> {
  await client.query(
    `UPDATE partition_progress SET completed = $3, failed = $4, updated_at = NOW() WHERE run_id = $1 AND partition_id = $2`,
    [runId, partitionId, completed, failed],
  );
}

/** Without `GREATEST`: it moves only with a flag that was set, so there is nothing to hide. */
async function decrementFailed(client: PoolClient, { runId }: WorkItem): Promise<void> {
  await client.query(`UPDATE run_metadata SET failed_workers = failed_workers - 1 WHERE run_id = $1`, [runId]);
}
