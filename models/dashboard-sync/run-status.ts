export type RunStatus = "running" | "completed" | "failed" | "partial";

/** What the status of a run is made of. */
export interface RunNumbers {
  readonly completed_at: string | Date | null;
  readonly failed_workers: number;
  readonly completed_workers: number;
  readonly expected_workers: number;
}

/**
 * The analysis shows the signature and says that the status rests on `failed_workers`; the body is reconstructed: a run
 * goes on until every expected worker has ended one way or the other, and is partial when some failed and some did not.
 * Nothing that the analysis shows sets `completed_at`, so here it is always null.
 */
export function getRunStatus(run: RunNumbers): RunStatus {
  if (run.completed_at === null && run.failed_workers + run.completed_workers < run.expected_workers) return "running";
  if (run.failed_workers === 0) return "completed";
  return run.completed_workers === 0 ? "failed" : "partial";
}
