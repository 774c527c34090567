import type { Pool } from "pg";
import { WorkerRunGone, type DashboardSync, type WorkerRun } from "../implementation.js";
import { option2AtomicReset } from "./option-2-atomic-reset.js";
import {
  decrementFailedWorkers,
  incrementCompletedWorkers,
  incrementFailedWorkers,
  markPartitionCompleted,
  markPartitionFailed,
  updateWorkerRunCompleted,
  updateWorkerRunFailed,
} from "./statements.js";

/**
 * Option 2 as its "additional protection" was meant: `updateWorkerRun` throws when the worker run is gone, so the
 * tracking is skipped and the message fails. It checks, and then acts in other statements: a retry still fits in between.
 */
export function option2ThrowingUpdate(pool: Pool): DashboardSync {
  return {
    ...option2AtomicReset(pool),

    async recordFailure(item, workerRun, errorMessage) {
      expectUpdated(await updateWorkerRunFailed(pool, workerRun, errorMessage), workerRun);
      const isFirstFailure = await markPartitionFailed(pool, item);
      if (isFirstFailure) await incrementFailedWorkers(pool, item);
    },

    // A success goes through the same `updateWorkerRun`.
    async recordSuccess(item, workerRun, recordsProcessed) {
      expectUpdated(await updateWorkerRunCompleted(pool, workerRun, recordsProcessed), workerRun);
      const { first, wasFailed } = await markPartitionCompleted(pool, item);
      if (!first) return;
      await incrementCompletedWorkers(pool, item);
      if (wasFailed) await decrementFailedWorkers(pool, item);
    },
  };
}

function expectUpdated(rows: number, { id }: WorkerRun): void {
  if (rows === 0) throw new WorkerRunGone(`worker run ${id} no longer exists, skipping failure tracking`);
}
