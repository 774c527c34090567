import type { Pool } from "pg";
import type { DashboardSync, Worker } from "../implementation.js";
import {
  decrementFailedWorkers,
  incrementCompletedWorkers,
  incrementFailedWorkers,
  markPartitionCompleted,
  markPartitionFailed,
  startWork,
  updateWorkerRunCompleted,
  updateWorkerRunFailed,
  workersTable,
} from "./statements.js";

/**
 * The worker of today, which options 1A, 1B and 3 leave as it is: every statement on its own, three places to keep in
 * step.
 */
export function todaysWorker(pool: Pool): Worker & Pick<DashboardSync, "workersTable"> {
  return {
    startWork: (item) => startWork(pool, item),

    // As in the analysis: update by the remembered id, mark, increment if it was the first failure.
    async recordFailure(item, workerRun, errorMessage) {
      await updateWorkerRunFailed(pool, workerRun, errorMessage);
      const isFirstFailure = await markPartitionFailed(pool, item);
      if (isFirstFailure) await incrementFailedWorkers(pool, item);
    },

    // Reconstructed after the pattern of a failure. Taking an earlier failure back is what the `decrementFailedWorkers`
    // that the analysis mentions must have been for.
    async recordSuccess(item, workerRun, recordsProcessed) {
      await updateWorkerRunCompleted(pool, workerRun, recordsProcessed);
      const { first, wasFailed } = await markPartitionCompleted(pool, item);
      if (!first) return;
      await incrementCompletedWorkers(pool, item);
      if (wasFailed) await decrementFailedWorkers(pool, item);
    },

    workersTable: (runId) => workersTable(pool, runId),
  };
}
