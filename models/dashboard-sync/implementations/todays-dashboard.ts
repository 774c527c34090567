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

/** Postgres' SUM of a bigint is a numeric, which `pg` hands out as text. */
interface Records {
  readonly total_records: string;
}

/**
 * The dashboard of today: numbers from the counters of `run_metadata`, workers from `worker_runs`, all queries of an
 * answer at once over the pool. The analysis shows it only as what it becomes in phases 1 and 2; this is that, without
 * what they add: of phase 2's three queries the third gives the records only. Nobody filters: there is one page.
 */
export function todaysDashboard(pool: Pool): Dashboard {
  return {
    source: "run_metadata",
    snapshot: false,

    async getRunsWithStats() {
      const [total, dataResult] = await Promise.all([
        countRuns(pool),
        pool.query<RunRow & Records>(
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
      return { runs: dataResult.rows.map((row) => runOf(row, row)), total };
    },

    async getRunDetails(runId) {
      const [runResult, workers, statsResult] = await Promise.all([
        pool.query<RunRow>(`SELECT * FROM run_metadata WHERE run_id = $1`, [runId]),
        workersTable(pool, runId),
        totalRecords(pool, runId),
      ]);
      const runRow = runResult.rows[0];
      if (runRow === undefined) return { run: null, workers: [] };
      return { run: runOf(runRow, statsResult), workers: workers.map(workerOf) };
    },
  };
}

/** The "existing count query" of `getRunsWithStats`, reconstructed. */
export async function countRuns(pool: Pool): Promise<number> {
  const result = await pool.query<{ total: string }>(`SELECT COUNT(*) as total FROM run_metadata rm`);
  return parseInt(result.rows[0]!.total, 10);
}

/** The statistics of one run, as far as they are not counters. */
export async function totalRecords(pool: Pool, runId: string): Promise<Records> {
  const result = await pool.query<Records>(
    `SELECT COALESCE(SUM(wr.records_processed), 0) as total_records FROM worker_runs wr WHERE wr.run_id = $1`,
    [runId],
  );
  return result.rows[0]!;
}

function runOf(row: RunRow, { total_records }: Records): RunWithStats {
  return {
    runId: row.run_id,
    expectedWorkers: row.expected_workers,
    completedWorkers: row.completed_workers,
    failedWorkers: row.failed_workers,
    totalRecords: parseInt(total_records, 10),
    status: getRunStatus(row),
  };
}

/** The columns of a worker that matter here. */
export function workerOf({ partition_id, status }: WorkerStatus): WorkerStatus {
  return { partition_id, status };
}
