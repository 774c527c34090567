import type { WorkItem } from "./queue.js";

/** A row of `worker_runs`, as far as the worker remembers it. */
export interface WorkerRun {
  readonly id: string;
}

/** A line of the dashboard's table of workers. */
export interface WorkerStatus {
  readonly partition_id: string;
  readonly status: string;
}

/** What every variant of the code under test offers: the worker's side and the user's. */
export interface DashboardSync {
  /** The worker has a message: fetches the partition's worker run, or creates it. */
  startWork(item: WorkItem): Promise<WorkerRun>;
  /** The work failed. */
  recordFailure(item: WorkItem, workerRun: WorkerRun, errorMessage: string): Promise<void>;
  /** The work is done. */
  recordSuccess(item: WorkItem, workerRun: WorkerRun, recordsProcessed: number): Promise<void>;
  /** What the dashboard's table of workers shows for a run. */
  workersTable(runId: string): Promise<readonly WorkerStatus[]>;
  /**
   * The user pressed retry.
   *
   * @returns Whether a new work item is to be sent.
   */
  resetFailedWorker(item: WorkItem): Promise<boolean>;
}
