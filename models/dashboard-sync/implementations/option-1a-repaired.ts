import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import { transactionalWrites } from "./transactional.js";

/**
 * Option 1A, repaired. Counting the flags is not enough where flags and worker runs are written by separate statements:
 * the table beside the number still tells another story. So the writes become transactions, and an answer one statement.
 */
export function option1aRepaired(pool: Pool): DashboardSync {
  return { ...transactionalWrites(pool), ...snapshotDashboard(pool, "partition_progress") };
}
