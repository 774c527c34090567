import type { Pool } from "pg";
import { WorkerRunGone } from "../../dashboard-sync/implementation.js";
import { option1aRepaired } from "../../dashboard-sync/implementations/option-1a-repaired.js";
import {
  deleteFailedWorkerRun,
  markPartitionCompleted,
  markPartitionFailed,
  resetPartitionForRetry,
  updateOpenWorkerRunCompleted,
  updateOpenWorkerRunFailed,
} from "../../dashboard-sync/implementations/statements.js";
import { withTransaction } from "../../dashboard-sync/implementations/with-transaction.js";
import type { Version } from "./version.js";

/** The same transactions without the counters; pages show computed numbers and compare them with nothing. */
export function safeNoCounters(pool: Pool): Version {
  return {
    name: "safe, no counters",
    counts: false,
    piecemeal: false,
    ...option1aRepaired(pool),
    recordFailure: (item, workerRun, errorMessage) =>
      withTransaction(pool, async (client) => {
        const updated = await updateOpenWorkerRunFailed(client, workerRun, errorMessage);
        if (updated === 0) throw new WorkerRunGone(`worker run ${workerRun.id} is gone or completed`);
        await markPartitionFailed(client, item);
      }),
    recordSuccess: (item, workerRun, recordsProcessed) =>
      withTransaction(pool, async (client) => {
        const updated = await updateOpenWorkerRunCompleted(client, workerRun, recordsProcessed);
        if (updated === 0) throw new WorkerRunGone(`worker run ${workerRun.id} is gone or completed`);
        await markPartitionCompleted(client, item);
      }),
    resetFailedWorker: (item) =>
      withTransaction(pool, async (client) => {
        if ((await deleteFailedWorkerRun(client, item)) === 0) return false;
        await resetPartitionForRetry(client, item);
        return true;
      }),
  };
}
