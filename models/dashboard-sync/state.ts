import type { State } from "../../src/index.js";

/** What the tables hold, for judging and for showing. */
export const stateQueries = {
  runs: `
    select rm.run_id, rm.expected_workers as expected,
      rm.failed_workers as counter,
      (select count(*) from partition_progress pp where pp.run_id = rm.run_id and pp.failed) as flags,
      (select count(*) from worker_runs wr where wr.run_id = rm.run_id and wr.status = 'failed') as rows,
      rm.completed_workers as completed_counter,
      (select count(*) from partition_progress pp where pp.run_id = rm.run_id and pp.completed) as completed_flags,
      (select count(*) from worker_runs wr where wr.run_id = rm.run_id and wr.status = 'completed') as completed_rows
    from run_metadata rm order by rm.run_id`,
  flags: `select run_id, partition_id, completed, failed from partition_progress order by run_id, partition_id`,
  rows: `
    select run_id, partition_id, status, records_processed as records, error_message is not null as error
    from worker_runs order by run_id, partition_id`,
  writes: `
    select run_id,
      count(*) filter (where after > before) as increments,
      count(*) filter (where after < before) as decrements,
      count(*) filter (where after = 0 and before = 0) as clamped
    from counter_writes group by run_id order by run_id`,
  owed: `
    select item->>'runId' as run_id, item->>'partitionId' as partition_id, (item->>'attempt')::int as attempt
    from work_item_outbox order by id`,
  retried: `
    select pp.run_id, pp.partition_id, pp.attempt, (wr.payload ->> 'attempt')::int as shown
    from partition_progress pp left join worker_runs wr on wr.run_id = pp.run_id and wr.partition_id = pp.partition_id
    where pp.attempt > 0 order by pp.run_id, pp.partition_id`,
};

/** What the three places say of a run. */
export interface RunCounts {
  readonly run_id: string;
  readonly expected: number;
  readonly counter: number;
  readonly flags: number;
  readonly rows: number;
  readonly completed_counter: number;
  readonly completed_flags: number;
  readonly completed_rows: number;
}

/** How often the counter of a run was written. */
export interface CounterWrites {
  readonly run_id: string;
  readonly increments: number;
  readonly decrements: number;
  readonly clamped: number;
}

/** What is said of a partition. */
export interface Partition {
  readonly run_id: string;
  readonly partition_id: string;
  readonly completed: boolean;
  readonly failed: boolean;
  /** Status of its worker run; null without one. */
  readonly row: string | null;
}

export function runsOf({ runs = [] }: State): readonly RunCounts[] {
  return runs as unknown as RunCounts[];
}

export function writesOf({ writes = [] }: State): readonly CounterWrites[] {
  return writes as unknown as CounterWrites[];
}

export function partitionsOf({ flags = [], rows = [] }: State): readonly Partition[] {
  return flags.map((flag) => {
    const row = rows.find(
      ({ run_id, partition_id }) => run_id === flag["run_id"] && partition_id === flag["partition_id"],
    );
    return { ...flag, row: row?.["status"] ?? null } as unknown as Partition;
  });
}

/**
 * What a report shows beside each step. Runs are named only where there are several; completed_workers is shown only
 * where it is not what the flags say.
 */
export function display({ runs = [], flags = [], rows = [] }: State): Record<string, string> {
  const name = (row: Record<string, unknown>) =>
    (runs.length > 1 ? `${String(row["run_id"])}/` : "") + String(row["partition_id"]);
  const counters = runsOf({ runs }).map(
    (run) =>
      (runs.length > 1 ? `${run.run_id}: ` : "") +
      String(run.counter) +
      (run.completed_counter === run.completed_flags ? "" : `, completed ${run.completed_counter}`),
  );
  const flagged = flags.flatMap((flag) => [
    ...(flag["failed"] === true ? [`${name(flag)} failed`] : []),
    ...(flag["completed"] === true ? [`${name(flag)} completed`] : []),
  ]);
  return {
    counter: counters.join("\n"),
    flags: flagged.join("\n") || "none",
    rows: rows.map((row) => `${name(row)} ${String(row["status"])}`).join("\n") || "none",
  };
}
