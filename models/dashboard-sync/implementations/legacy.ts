import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { decrementFailedWorkers, deleteFailedWorkerRun, resetPartitionForRetry } from "./statements.js";
import { todaysDashboard } from "./todays-dashboard.js";
import { todaysWorker } from "./worker.js";

/** The code that the analysis found in production. */
export function legacy(pool: Pool): DashboardSync {
  return {
    ...todaysWorker(pool),
    ...todaysDashboard(pool),

    // As in the analysis: three unconditional statements; the new work item is sent whatever they did.
    async resetFailedWorker(item) {
      await deleteFailedWorkerRun(pool, item);
      await resetPartitionForRetry(pool, item);
      await decrementFailedWorkers(pool, item);
    },
  };
}
