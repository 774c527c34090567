import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import { transactionalWrites } from "./transactional.js";

/**
 * Option 1B, repaired. Number and table agree once an answer is one statement; what the number means is right only once
 * no retry or outdated worker can leave the worker runs and the partitions apart.
 */
export function option1bRepaired(pool: Pool): DashboardSync {
  return { ...transactionalWrites(pool), ...snapshotDashboard(pool, "worker_runs") };
}
