import type { Pool, PoolClient } from "pg";
import type { WorkItem } from "./queue.js";
import type { RunStatus } from "./run-status.js";

/** A row of `worker_runs`, as far as the worker remembers it. */
export interface WorkerRun {
  readonly id: string;
}

/** A line of the dashboard's table of workers. */
export interface WorkerStatus {
  readonly partition_id: string;
  readonly status: string;
}

/** A run as the dashboard's analytics show it. */
export interface RunWithStats {
  readonly runId: string;
  readonly expectedWorkers: number;
  readonly completedWorkers: number;
  readonly failedWorkers: number;
  readonly totalRecords: number;
  readonly status: RunStatus;
}

/** The answer behind the page of all runs. */
export interface RunsAnswer {
  readonly runs: readonly RunWithStats[];
  readonly total: number;
}

/** The answer behind the page of one run: the analytics, and the table of workers beside them. */
export interface RunAnswer {
  readonly run: RunWithStats | null;
  readonly workers: readonly WorkerStatus[];
}

/** The three places that know how many workers failed and completed. */
export type Source = "run_metadata" | "partition_progress" | "worker_runs";

/** The dashboard's side. */
export interface Dashboard {
  /** Where the numbers of the analytics come from. */
  readonly source: Source;
  /** Whether an answer is read in one snapshot, so that some moment must explain it. */
  readonly snapshot: boolean;
  getRunsWithStats(): Promise<RunsAnswer>;
  getRunDetails(runId: string): Promise<RunAnswer>;
}

/** A line of the table of workers on the page where the user presses retry. */
export interface ShownWorker extends WorkerStatus {
  /** The work item that a retry sends again. */
  readonly payload: WorkItem;
}

/** The worker's side. */
export interface Worker {
  /**
   * The worker has a message: fetches the partition's worker run, or creates it.
   *
   * @returns Undefined when the message is outdated and there is nothing to do.
   */
  startWork(item: WorkItem): Promise<WorkerRun | undefined>;
  /**
   * The work failed.
   *
   * @throws {WorkerRunGone} Where the variant checks that there still is a worker run to report to.
   */
  recordFailure(item: WorkItem, workerRun: WorkerRun, errorMessage: string): Promise<void>;
  /**
   * The work is done.
   *
   * @throws {WorkerRunGone} As for a failure.
   */
  recordSuccess(item: WorkItem, workerRun: WorkerRun, recordsProcessed: number): Promise<void>;
}

/** What every variant of the code under test offers: the worker's side, the user's and the dashboard's. */
export interface DashboardSync extends Dashboard, Worker {
  /** What the page shows at the moment when the user presses retry. */
  workersTable(runId: string): Promise<readonly ShownWorker[]>;
  /**
   * The user pressed retry.
   *
   * @returns False where the variant says that there was nothing to reset, and so no work item is to be sent.
   */
  resetFailedWorker(item: WorkItem): Promise<boolean | void>;
  /** For variants that heed which attempt a work item is for, and write what they owe the queue in the transaction that owes it. */
  readonly outbox?: {
    /** Sends the work items that committed retries owe. */
    relay(send: (item: WorkItem) => Promise<void>): Promise<void>;
    /** A message was dead-lettered: nobody will work on it any more. */
    recordDeadLetter(item: WorkItem): Promise<void>;
  };
}

/** The worker run to report to is not there, or no longer open: a retry deleted it, or somebody completed it. */
export class WorkerRunGone extends Error {
  override readonly name = "WorkerRunGone";
}

/** Whatever runs a statement: the pool (each on a connection of its own) or one connection. */
export type Queryable = Pick<Pool | PoolClient, "query">;
