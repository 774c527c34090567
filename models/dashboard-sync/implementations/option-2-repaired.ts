import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import { transactionalWrites } from "./transactional.js";

/**
 * Option 2, repaired: the retry was atomic, the worker's report was not. Now both are, and an answer of the dashboard is
 * one statement.
 */
export function option2Repaired(pool: Pool): DashboardSync {
  return { ...transactionalWrites(pool), ...snapshotDashboard(pool, "run_metadata") };
}
