import type { Pool } from "pg";
import type { Dashboard, RunWithStats, Source, WorkerStatus } from "../implementation.js";
import { getRunStatus } from "../run-status.js";

interface Row {
  readonly run_id: string;
  readonly expected_workers: number;
  readonly completed_at: string | null;
  readonly completed: number;
  readonly failed: number;
  readonly records: number;
  readonly workers: readonly WorkerStatus[];
  readonly total: number;
}

/** How many completed or failed, from each of the places. As integers, so that `pg` makes numbers of them. */
const counts: Readonly<Record<Source, (what: "completed" | "failed") => string>> = {
  run_metadata: (what) => `rm.${what}_workers`,
  partition_progress: (what) =>
    `(SELECT COUNT(*)::int FROM partition_progress pp WHERE pp.run_id = rm.run_id AND pp.${what})`,
  worker_runs: (what) =>
    `(SELECT COUNT(*)::int FROM worker_runs wr WHERE wr.run_id = rm.run_id AND wr.status = '${what}')`,
};

const columns = (source: Source) => `
  rm.run_id, rm.expected_workers, rm.completed_at,
  ${counts[source]("completed")} as completed,
  ${counts[source]("failed")} as failed,
  (SELECT COALESCE(SUM(wr.records_processed), 0)::int FROM worker_runs wr WHERE wr.run_id = rm.run_id) as records`;

/**
 * A dashboard whose answers cannot be torn: each is one statement, and a statement has one snapshot. (Several statements
 * in a REPEATABLE READ transaction would do as well; `Promise.all` over a pool does not.)
 */
export function snapshotDashboard(pool: Pool, source: Source): Dashboard {
  return {
    source,
    snapshot: true,

    async getRunsWithStats() {
      const result = await pool.query<Row>(
        `SELECT ${columns(source)}, COUNT(*) OVER ()::int as total FROM run_metadata rm ORDER BY rm.started_at DESC LIMIT $1 OFFSET $2`,
        [50, 0],
      );
      return { runs: result.rows.map(runOf), total: result.rows[0]?.total ?? 0 };
    },

    async getRunDetails(runId) {
      const result = await pool.query<Row>(
        `SELECT ${columns(source)},
           (SELECT COALESCE(json_agg(json_build_object('partition_id', wr.partition_id, 'status', wr.status)
                                     ORDER BY wr.partition_id), '[]')
            FROM worker_runs wr WHERE wr.run_id = rm.run_id) as workers
         FROM run_metadata rm WHERE rm.run_id = $1`,
        [runId],
      );
      const row = result.rows[0];
      return row === undefined ? { run: null, workers: [] } : { run: runOf(row), workers: row.workers };
    },
  };
}

function runOf(row: Row): RunWithStats {
  return {
    runId: row.run_id,
    expectedWorkers: row.expected_workers,
    completedWorkers: row.completed,
    failedWorkers: row.failed,
    totalRecords: row.records,
    status: getRunStatus({ ...row, completed_workers: row.completed, failed_workers: row.failed }),
  };
}
