import type { Pool } from "pg";
import type { Dashboard, RunWithStats, WorkerStatus } from "../implementation.js";
import { getRunStatus } from "../run-status.js";
import { workersTable } from "./statements.js";

interface RunRow {
  readonly run_id: string;
  readonly expected_workers: number;
  readonly completed_workers: number;
  readonly failed_workers: number;
  readonly completed_at: Date | null;
}

/**
 * The dashboard of today: numbers from the counters of `run_metadata`, workers from `worker_runs`, all queries of an
 * answer at once over the pool. The analysis shows it only as what it becomes in phases 1 and 2; this is that, without
 * what they add. Nobody filters: there is one page.
 */
export function todaysDashboard(pool: Pool): Dashboard {
  return {
    source: "run_metadata",

    async getRunsWithStats() {
      const [total, dataResult] = await Promise.all([
        countRuns(pool),
        pool.query<RunRow>(
          `SELECT
             rm.*,
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
        pool.query<RunRow>(`SELECT * FROM run_metadata WHERE run_id = $1`, [runId]),
        workersTable(pool, runId),
      ]);
      const runRow = runResult.rows[0];
      if (runRow === undefined) return { run: null, workers: [] };
      return { run: runOf(runRow), workers: workers.map(workerOf) };
    },
  };
}

/** The "existing count query" of `getRunsWithStats`, reconstructed. */
export async function countRuns(pool: Pool): Promise<number> {
  const result = await pool.query<{ total: string }>(`SELECT COUNT(*) as total FROM run_metadata rm`);
  return parseInt(result.rows[0]!.total, 10);
}

function runOf(row: RunRow): RunWithStats {
  return {
    runId: row.run_id,
    expectedWorkers: row.expected_workers,
    completedWorkers: row.completed_workers,
    failedWorkers: row.failed_workers,
    status: getRunStatus(row),
  };
}

/** The columns of a worker that matter here. */
export function workerOf({ partition_id, status }: WorkerStatus): WorkerStatus {
  return { partition_id, status };
}
