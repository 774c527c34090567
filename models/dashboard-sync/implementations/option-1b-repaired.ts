import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import { transactionalWrites } from "./transactional.js";

/**
 * Option 1B, repaired in the same way as 1A: the writes become transactions, and an answer one statement. Once flags,
 * worker runs and counter change together, it does not matter which of them is counted.
 */
export function option1bRepaired(pool: Pool): DashboardSync {
  return { ...transactionalWrites(pool), ...snapshotDashboard(pool, "worker_runs") };
}
