import type { Queryable, ShownWorker, WorkerRun } from "../implementation.js";
import type { PartitionKey, WorkItem } from "../queue.js";

// The statements that the analysis shows or names, one function each. What a variant is, is which of them it runs, on
// which connection and in which order.

/**
 * Reconstructed: the analysis says that the worker "fetches existing worker_run" (T4) and that a first delivery creates
 * it as running (T0). A failed run that is fetched keeps its status: at T5 the retry still finds it failed.
 */
export async function startWork(db: Queryable, item: WorkItem): Promise<WorkerRun> {
  for (;;) {
    const existing = await fetchWorkerRun(db, item);
    if (existing !== undefined) return existing;
    const created = await db.query<WorkerRun>(
      `INSERT INTO worker_runs (run_id, partition_id, status, payload)
       VALUES ($1, $2, 'running', $3)
       ON CONFLICT (run_id, partition_id) DO NOTHING
       RETURNING id`,
      [item.runId, item.partitionId, item],
    );
    // Else somebody else created it in between, and a retry may even have deleted that one again.
    if (created.rows[0] !== undefined) return created.rows[0];
  }
}

async function fetchWorkerRun(db: Queryable, { runId, partitionId }: PartitionKey): Promise<WorkerRun | undefined> {
  const found = await db.query<WorkerRun>(`SELECT * FROM worker_runs WHERE run_id = $1 AND partition_id = $2`, [
    runId,
    partitionId,
  ]);
  return found.rows[0];
}

/** `updateWorkerRun(id, "failed", …)`: by the id that the worker remembers. Returns how many rows it hit. */
export async function updateWorkerRunFailed(db: Queryable, { id }: WorkerRun, errorMessage: string): Promise<number> {
  const updated = await db.query(
    `UPDATE worker_runs SET status = 'failed', error_message = $2, completed_at = NOW() WHERE id = $1`,
    [id, errorMessage],
  );
  return updated.rowCount ?? 0;
}

/** `updateWorkerRun(id, "completed", …)`, reconstructed after the one for a failure. */
export async function updateWorkerRunCompleted(db: Queryable, { id }: WorkerRun, records: number): Promise<number> {
  const updated = await db.query(
    `UPDATE worker_runs
     SET status = 'completed', error_message = NULL, records_processed = $2, completed_at = NOW()
     WHERE id = $1`,
    [id, records],
  );
  return updated.rowCount ?? 0;
}

/** What the repaired variants put in place of the two above: a worker run that is completed stays so. */
export async function updateOpenWorkerRunFailed(db: Queryable, { id }: WorkerRun, error: string): Promise<number> {
  const updated = await db.query(
    `UPDATE worker_runs SET status = 'failed', error_message = $2, completed_at = NOW()
     WHERE id = $1 AND status <> 'completed'`,
    [id, error],
  );
  return updated.rowCount ?? 0;
}

export async function updateOpenWorkerRunCompleted(db: Queryable, { id }: WorkerRun, records: number): Promise<number> {
  const updated = await db.query(
    `UPDATE worker_runs
     SET status = 'completed', error_message = NULL, records_processed = $2, completed_at = NOW()
     WHERE id = $1 AND status <> 'completed'`,
    [id, records],
  );
  return updated.rowCount ?? 0;
}

/** As in the analysis. Returns whether this was the first failure. */
export async function markPartitionFailed(db: Queryable, { runId, partitionId }: PartitionKey): Promise<boolean> {
  const marked = await db.query(
    `UPDATE partition_progress
     SET failed = TRUE, updated_at = NOW()
     WHERE run_id = $1 AND partition_id = $2
       AND failed = FALSE AND completed = FALSE
     RETURNING TRUE as marked`,
    [runId, partitionId],
  );
  return marked.rows.length > 0;
}

/** Reconstructed after the one above. A success after a failure takes the failure back. */
export async function markPartitionCompleted(
  db: Queryable,
  { runId, partitionId }: PartitionKey,
): Promise<{ first: boolean; wasFailed: boolean }> {
  const marked = await db.query<{ was_failed: boolean }>(
    `UPDATE partition_progress pp
     SET completed = TRUE, failed = FALSE, updated_at = NOW()
     FROM (SELECT failed FROM partition_progress WHERE run_id = $1 AND partition_id = $2 FOR UPDATE) before
     WHERE pp.run_id = $1 AND pp.partition_id = $2 AND pp.completed = FALSE
     RETURNING before.failed as was_failed`,
    [runId, partitionId],
  );
  return { first: marked.rows.length > 0, wasFailed: marked.rows[0]?.was_failed === true };
}

/** `incrementFailedWorkers`: the analysis names it only. */
export async function incrementFailedWorkers(db: Queryable, { runId }: PartitionKey): Promise<void> {
  await db.query(`UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1`, [runId]);
}

/** Reconstructed after the one above. */
export async function incrementCompletedWorkers(db: Queryable, { runId }: PartitionKey): Promise<void> {
  await db.query(`UPDATE run_metadata SET completed_workers = completed_workers + 1 WHERE run_id = $1`, [runId]);
}

/** As in the analysis' `resetFailedWorker`; `decrementFailedWorkers`, which it names, must be the same. */
export async function decrementFailedWorkers(db: Queryable, { runId }: PartitionKey): Promise<void> {
  await db.query(`UPDATE run_metadata SET failed_workers = GREATEST(0, failed_workers - 1) WHERE run_id = $1`, [runId]);
}

/** The first statement of `resetFailedWorker`. Returns how many rows it deleted. */
export async function deleteFailedWorkerRun(db: Queryable, { runId, partitionId }: PartitionKey): Promise<number> {
  const deleted = await db.query(
    `DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2 AND status = 'failed'`,
    [runId, partitionId],
  );
  return deleted.rowCount ?? 0;
}

/** The second statement of `resetFailedWorker`. */
export async function resetPartitionForRetry(db: Queryable, { runId, partitionId }: PartitionKey): Promise<void> {
  await db.query(
    `UPDATE partition_progress
     SET failed = FALSE, updated_at = NOW()
     WHERE run_id = $1 AND partition_id = $2 AND failed = TRUE`,
    [runId, partitionId],
  );
}

/** The analysis' "workers table query", the same in every variant. */
export async function workersTable(db: Queryable, runId: string): Promise<readonly ShownWorker[]> {
  const workers = await db.query<ShownWorker>(`SELECT * FROM worker_runs WHERE run_id = $1 ORDER BY partition_id`, [
    runId,
  ]);
  return workers.rows;
}
