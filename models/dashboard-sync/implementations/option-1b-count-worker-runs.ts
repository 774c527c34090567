import type { Pool } from "pg";
import type { DashboardSync, RunWithStats } from "../implementation.js";
import { getRunStatus } from "../run-status.js";
import { legacy } from "./legacy.js";
import { workersTable } from "./statements.js";
import { countRuns, workerOf } from "./todays-dashboard.js";

/** `failed_workers` and `completed_workers` come twice, and `pg` keeps the last: the computed ones, as text. */
interface CountedRow {
  readonly run_id: string;
  readonly expected_workers: number;
  readonly completed_workers: string;
  readonly failed_workers: string;
  readonly total_records: string;
  readonly completed_at: Date | null;
}

/**
 * Option 1B: the analytics count the rows of `worker_runs`. The analysis shows the query and says nothing of what is
 * around it: the code that writes stays as it is, both answers use the query, with the records that today's has beside
 * the counts, and its counts are read as in phase 2.
 */
export function option1bCountWorkerRuns(pool: Pool): DashboardSync {
  return {
    ...legacy(pool),
    source: "worker_runs",

    async getRunsWithStats() {
      const [total, dataResult] = await Promise.all([
        countRuns(pool),
        pool.query<CountedRow>(
          `SELECT
             rm.*,
             COUNT(*) FILTER (WHERE wr.status = 'failed') as failed_workers,
             COUNT(*) FILTER (WHERE wr.status = 'completed') as completed_workers,
             COALESCE(SUM(wr.records_processed), 0) as total_records
           FROM run_metadata rm
           LEFT JOIN worker_runs wr ON rm.run_id = wr.run_id
           GROUP BY rm.run_id
           ORDER BY rm.started_at DESC
           LIMIT $1 OFFSET $2`,
          [50, 0],
        ),
      ]);
      return { runs: dataResult.rows.map(runOf), total };
    },

    async getRunDetails(runId) {
      const [runResult, workers] = await Promise.all([
        pool.query<CountedRow>(
          `SELECT
             rm.*,
             COUNT(*) FILTER (WHERE wr.status = 'failed') as failed_workers,
             COUNT(*) FILTER (WHERE wr.status = 'completed') as completed_workers,
             COALESCE(SUM(wr.records_processed), 0) as total_records
           FROM run_metadata rm
           LEFT JOIN worker_runs wr ON rm.run_id = wr.run_id
           WHERE rm.run_id = $1
           GROUP BY rm.run_id`,
          [runId],
        ),
        workersTable(pool, runId),
      ]);
      const runRow = runResult.rows[0];
      if (runRow === undefined) return { run: null, workers: [] };
      return { run: runOf(runRow), workers: workers.map(workerOf) };
    },
  };
}

function runOf(row: CountedRow): RunWithStats {
  const completedWorkers = parseInt(row.completed_workers, 10);
  const failedWorkers = parseInt(row.failed_workers, 10);
  return {
    runId: row.run_id,
    expectedWorkers: row.expected_workers,
    completedWorkers,
    failedWorkers,
    totalRecords: parseInt(row.total_records, 10),
    status: getRunStatus({ ...row, completed_workers: completedWorkers, failed_workers: failedWorkers }),
  };
}
