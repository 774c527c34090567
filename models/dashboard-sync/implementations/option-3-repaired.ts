import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { lockPartition } from "./advisory-lock.js";
import { snapshotDashboard } from "./snapshot-dashboard.js";
import {
  decrementFailedWorkers,
  deleteFailedWorkerRun,
  incrementCompletedWorkers,
  incrementFailedWorkers,
  markPartitionCompleted,
  markPartitionFailed,
  resetPartitionForRetry,
  startWork,
  updateOpenWorkerRunCompleted,
  updateOpenWorkerRunFailed,
  workersTable,
} from "./statements.js";
import { withTransaction } from "./with-transaction.js";

/**
 * Option 3, repaired: the lock held for the whole transaction on both sides, and the three checks that no lock can
 * replace. What a worker reports on a worker run that is gone or completed is dropped; a retry that deletes nothing
 * changes nothing and sends nothing; and an answer of the dashboard is one statement.
 */
export function option3Repaired(pool: Pool): DashboardSync {
  return {
    ...snapshotDashboard(pool, "run_metadata"),
    startWork: (item) => startWork(pool, item),

    recordFailure: (item, workerRun, errorMessage) =>
      withTransaction(pool, async (client) => {
        await lockPartition(client, item);
        if ((await updateOpenWorkerRunFailed(client, workerRun, errorMessage)) === 0) return;
        const isFirstFailure = await markPartitionFailed(client, item);
        if (isFirstFailure) await incrementFailedWorkers(client, item);
      }),

    recordSuccess: (item, workerRun, recordsProcessed) =>
      withTransaction(pool, async (client) => {
        await lockPartition(client, item);
        if ((await updateOpenWorkerRunCompleted(client, workerRun, recordsProcessed)) === 0) return;
        const { wasFailed } = await markPartitionCompleted(client, item);
        await incrementCompletedWorkers(client, item);
        if (wasFailed) await decrementFailedWorkers(client, item);
      }),

    workersTable: (runId) => workersTable(pool, runId),

    resetFailedWorker: (item) =>
      withTransaction(pool, async (client) => {
        await lockPartition(client, item);
        if ((await deleteFailedWorkerRun(client, item)) === 0) return false;
        await resetPartitionForRetry(client, item);
        await decrementFailedWorkers(client, item);
        return true;
      }),
  };
}
