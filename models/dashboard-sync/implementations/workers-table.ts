import type { Pool } from "pg";
import type { WorkerStatus } from "../implementation.js";

/** The analysis' "workers table query", the same in every variant. */
export async function workersTable(pool: Pool, runId: string): Promise<readonly WorkerStatus[]> {
  const workers = await pool.query<WorkerStatus>(`SELECT * FROM worker_runs WHERE run_id = $1 ORDER BY partition_id`, [
    runId,
  ]);
  return workers.rows;
}
