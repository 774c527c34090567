import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { lockPartition } from "./advisory-lock.js";
import {
  decrementFailedWorkers,
  deleteFailedWorkerRun,
  incrementFailedWorkers,
  markPartitionFailed,
  resetPartitionForRetry,
  updateWorkerRunFailed,
} from "./statements.js";
import { todaysDashboard } from "./todays-dashboard.js";
import { todaysWorker } from "./worker.js";

/**
 * Option 3 as written: `query` runs each statement on a connection of the pool, so the statement that takes the lock is a
 * transaction of its own, and the lock is gone before the next statement begins.
 */
export function option3AdvisoryLock(pool: Pool): DashboardSync {
  return {
    ...todaysWorker(pool),
    ...todaysDashboard(pool),

    async recordFailure(item, workerRun, errorMessage) {
      await updateWorkerRunFailed(pool, workerRun, errorMessage);
      // The option's `markPartitionFailed`: get advisory lock for this partition, then mark.
      await lockPartition(pool, item);
      const isFirstFailure = await markPartitionFailed(pool, item);
      if (isFirstFailure) await incrementFailedWorkers(pool, item);
    },

    async resetFailedWorker(item) {
      // Get same advisory lock
      await lockPartition(pool, item);
      // ... rest of reset logic
      await deleteFailedWorkerRun(pool, item);
      await resetPartitionForRetry(pool, item);
      await decrementFailedWorkers(pool, item);
    },
  };
}
