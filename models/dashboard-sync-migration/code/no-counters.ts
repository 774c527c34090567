import type { Pool } from "pg";
import { option1aCountPartitions } from "../../dashboard-sync/implementations/option-1a-count-partitions.js";
import {
  deleteFailedWorkerRun,
  markPartitionCompleted,
  markPartitionFailed,
  resetPartitionForRetry,
  updateWorkerRunCompleted,
  updateWorkerRunFailed,
} from "../../dashboard-sync/implementations/statements.js";
import type { Version } from "./version.js";

/** After step 5: as before, without the calls that count. */
export function noCounters(pool: Pool): Version {
  return {
    name: "no counters",
    counts: false,
    piecemeal: true,
    ...option1aCountPartitions(pool),
    async recordFailure(item, workerRun, errorMessage) {
      await updateWorkerRunFailed(pool, workerRun, errorMessage);
      await markPartitionFailed(pool, item);
    },
    async recordSuccess(item, workerRun, recordsProcessed) {
      await updateWorkerRunCompleted(pool, workerRun, recordsProcessed);
      await markPartitionCompleted(pool, item);
    },
    async resetFailedWorker(item) {
      await deleteFailedWorkerRun(pool, item);
      await resetPartitionForRetry(pool, item);
    },
  };
}
