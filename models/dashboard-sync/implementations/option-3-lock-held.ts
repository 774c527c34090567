import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { lockPartition } from "./advisory-lock.js";
import {
  decrementFailedWorkers,
  deleteFailedWorkerRun,
  incrementCompletedWorkers,
  incrementFailedWorkers,
  markPartitionCompleted,
  markPartitionFailed,
  resetPartitionForRetry,
  startWork,
  updateWorkerRunCompleted,
  updateWorkerRunFailed,
  workersTable,
} from "./statements.js";
import { todaysDashboard } from "./todays-dashboard.js";
import { withTransaction } from "./with-transaction.js";

/**
 * Option 3 with the lock doing what it was meant to: held from the first to the last statement of whatever a worker
 * reports and of the retry. Every statement is otherwise today's, which shows what a lock can and cannot give: nobody
 * comes in between any more, but a worker that comes *after* a retry still reports on a worker run that is gone.
 */
export function option3LockHeld(pool: Pool): DashboardSync {
  return {
    ...todaysDashboard(pool),
    startWork: (item) => startWork(pool, item),

    recordFailure: (item, workerRun, errorMessage) =>
      withTransaction(pool, async (client) => {
        await lockPartition(client, item);
        await updateWorkerRunFailed(client, workerRun, errorMessage);
        const isFirstFailure = await markPartitionFailed(client, item);
        if (isFirstFailure) await incrementFailedWorkers(client, item);
      }),

    recordSuccess: (item, workerRun, recordsProcessed) =>
      withTransaction(pool, async (client) => {
        await lockPartition(client, item);
        await updateWorkerRunCompleted(client, workerRun, recordsProcessed);
        const { first, wasFailed } = await markPartitionCompleted(client, item);
        if (!first) return;
        await incrementCompletedWorkers(client, item);
        if (wasFailed) await decrementFailedWorkers(client, item);
      }),

    workersTable: (runId) => workersTable(pool, runId),

    resetFailedWorker: (item) =>
      withTransaction(pool, async (client) => {
        await lockPartition(client, item);
        await deleteFailedWorkerRun(client, item);
        await resetPartitionForRetry(client, item);
        await decrementFailedWorkers(client, item);
      }),
  };
}
