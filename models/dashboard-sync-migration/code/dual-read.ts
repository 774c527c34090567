import type { Pool } from "pg";
import { option1aCountPartitions } from "../../dashboard-sync/implementations/option-1a-count-partitions.js";
import { logDiscrepancy } from "./compare.js";
import type { Version } from "./version.js";

/**
 * Phases 1 and 2 as the analysis has them, with the comparison of its step 2 in the page of a run: option 1A, which writes
 * what today's code writes. The counter comes from one query and the computed number from another.
 */
export function dualRead(pool: Pool): Version {
  const option = option1aCountPartitions(pool);
  return {
    name: "dual read",
    counts: true,
    piecemeal: true,
    ...option,
    async getRunDetails(runId) {
      const [answer, counters] = await Promise.all([
        option.getRunDetails(runId),
        pool.query<{ failed_workers?: number }>(`SELECT * FROM run_metadata WHERE run_id = $1`, [runId]),
      ]);
      if (answer.run !== null) await logDiscrepancy(pool, answer.run, counters.rows[0]?.failed_workers);
      return answer;
    },
  };
}
