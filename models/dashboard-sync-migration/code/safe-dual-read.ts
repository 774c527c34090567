import type { Pool } from "pg";
import { option1aRepaired } from "../../dashboard-sync/implementations/option-1a-repaired.js";
import { logDiscrepancy } from "./compare.js";
import type { Version } from "./version.js";

/**
 * Dual read by code that is right: reports and retries are transactions, and a page compares what one statement, and so
 * one snapshot, says of both.
 */
export function safeDualRead(pool: Pool): Version {
  const option = option1aRepaired(pool);
  return {
    name: "safe dual read",
    counts: true,
    piecemeal: false,
    ...option,
    async getRunDetails(runId) {
      const both = await pool.query<{ counter: number; computed: number }>(
        `SELECT rm.failed_workers as counter,
           (SELECT COUNT(*)::int FROM partition_progress pp WHERE pp.run_id = rm.run_id AND pp.failed) as computed
         FROM run_metadata rm WHERE rm.run_id = $1`,
        [runId],
      );
      for (const { counter, computed } of both.rows)
        await logDiscrepancy(pool, { runId, failedWorkers: computed }, counter);
      return option.getRunDetails(runId);
    },
  };
}
