import type { Pool } from "pg";
import { withTransaction } from "../dashboard-sync/implementations/with-transaction.js";

const flagsFromRows = `
  UPDATE partition_progress pp
  SET failed = EXISTS (SELECT 1 FROM worker_runs wr
                       WHERE wr.run_id = pp.run_id AND wr.partition_id = pp.partition_id AND wr.status = 'failed'),
    completed = EXISTS (SELECT 1 FROM worker_runs wr
                        WHERE wr.run_id = pp.run_id AND wr.partition_id = pp.partition_id AND wr.status = 'completed'),
    updated_at = NOW()`;

const countersFromFlags = `
  UPDATE run_metadata rm
  SET failed_workers = (SELECT COUNT(*) FROM partition_progress pp WHERE pp.run_id = rm.run_id AND pp.failed),
    completed_workers = (SELECT COUNT(*) FROM partition_progress pp WHERE pp.run_id = rm.run_id AND pp.completed)`;

/**
 * Step 3 of the analysis' migration path as somebody writes it who thinks of the data only: what is wrong is looked up, and
 * then put right, statement by statement, while everybody is at work.
 */
export async function reconcileNaively(pool: Pool): Promise<void> {
  const wrong = await pool.query<{ run_id: string; partition_id: string; status: string | null }>(
    `SELECT pp.run_id, pp.partition_id, wr.status
     FROM partition_progress pp
     LEFT JOIN worker_runs wr ON wr.run_id = pp.run_id AND wr.partition_id = pp.partition_id
     WHERE pp.failed <> (wr.status IS NOT DISTINCT FROM 'failed')
        OR pp.completed <> (wr.status IS NOT DISTINCT FROM 'completed')`,
  );
  for (const { run_id, partition_id, status } of wrong.rows)
    await pool.query(
      `UPDATE partition_progress SET failed = $3, completed = $4, updated_at = NOW() WHERE run_id = $1 AND partition_id = $2`,
      [run_id, partition_id, status === "failed", status === "completed"],
    );
  const counts = await pool.query<{ run_id: string; failed: string; completed: string }>(
    `SELECT run_id, COUNT(*) FILTER (WHERE failed) as failed, COUNT(*) FILTER (WHERE completed) as completed
     FROM partition_progress GROUP BY run_id`,
  );
  for (const { run_id, failed, completed } of counts.rows)
    await pool.query(`UPDATE run_metadata SET failed_workers = $2, completed_workers = $3 WHERE run_id = $1`, [
      run_id,
      failed,
      completed,
    ]);
}

/**
 * The same in transactions, run by run, each of which first locks the run's partitions and then the run. Not enough: a
 * report on a partition that is flagged as failed already changes the worker run alone, and waits for no lock on the flag.
 */
export async function reconcileUnderRowLocks(pool: Pool): Promise<void> {
  const runs = await pool.query<{ run_id: string }>(`SELECT run_id FROM run_metadata ORDER BY run_id`);
  for (const { run_id } of runs.rows)
    await withTransaction(pool, async (client) => {
      await client.query(`SELECT 1 FROM partition_progress WHERE run_id = $1 ORDER BY partition_id FOR UPDATE`, [
        run_id,
      ]);
      await client.query(`SELECT 1 FROM run_metadata WHERE run_id = $1 FOR UPDATE`, [run_id]);
      await client.query(`${flagsFromRows} WHERE pp.run_id = $1`, [run_id]);
      await client.query(`${countersFromFlags} WHERE rm.run_id = $1`, [run_id]);
    });
}

/**
 * The same in one transaction that keeps all writers out while it lasts, readers excepted. Tables are locked in the order
 * in which reports and retries write to them. Right only once those are transactions, too: it waits for whole ones.
 */
export async function reconcileUnderTableLocks(pool: Pool): Promise<void> {
  await withTransaction(pool, async (client) => {
    await client.query(`LOCK TABLE worker_runs, partition_progress, run_metadata IN SHARE ROW EXCLUSIVE MODE`);
    await client.query(flagsFromRows);
    await client.query(countersFromFlags);
  });
}
