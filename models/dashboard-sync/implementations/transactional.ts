import type { Pool } from "pg";
import { WorkerRunGone, type DashboardSync, type Worker } from "../implementation.js";
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

type Writes = Worker & Pick<DashboardSync, "workersTable" | "resetFailedWorker">;

/**
 * What options 1A, 1B and 2 need of the code that writes before they are right. Beyond option 2:
 *
 * 1. The worker's report is one transaction, too. Its first statement locks the worker run, as the retry's does, so the
 *    two exclude each other and take their locks in the same order: worker run, partition, run.
 * 2. A completed worker run stays completed, whatever an outdated or duplicate delivery says.
 * 3. The retry tells whether it reset anything, and only then is a new work item sent.
 */
export function transactionalWrites(pool: Pool): Writes {
  return {
    startWork: (item) => startWork(pool, item),

    recordFailure: (item, workerRun, errorMessage) =>
      withTransaction(pool, async (client) => {
        const updated = await updateOpenWorkerRunFailed(client, workerRun, errorMessage);
        if (updated === 0) throw new WorkerRunGone(`worker run ${workerRun.id} is gone or completed`);
        const isFirstFailure = await markPartitionFailed(client, item);
        if (isFirstFailure) await incrementFailedWorkers(client, item);
      }),

    recordSuccess: (item, workerRun, recordsProcessed) =>
      withTransaction(pool, async (client) => {
        const updated = await updateOpenWorkerRunCompleted(client, workerRun, recordsProcessed);
        if (updated === 0) throw new WorkerRunGone(`worker run ${workerRun.id} is gone or completed`);
        const { wasFailed } = await markPartitionCompleted(client, item);
        await incrementCompletedWorkers(client, item);
        if (wasFailed) await decrementFailedWorkers(client, item);
      }),

    workersTable: (runId) => workersTable(pool, runId),

    // The DELETE locks the row by itself: option 2's SELECT … FOR UPDATE before it adds nothing.
    resetFailedWorker: (item) =>
      withTransaction(pool, async (client) => {
        if ((await deleteFailedWorkerRun(client, item)) === 0) return false;
        await resetPartitionForRetry(client, item);
        await decrementFailedWorkers(client, item);
        return true;
      }),
  };
}
