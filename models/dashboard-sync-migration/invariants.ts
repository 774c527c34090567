import type { Broken, InvariantContext, State } from "../../src/index.js";
import type { RunAnswer } from "../dashboard-sync/implementation.js";
import { namesWhatIsGone } from "./operations.js";
import type { MigrationInitial } from "./initial.js";
import type { Rollout } from "./rollout.js";
import type { World } from "./world.js";

/** What the tables hold, whether the counters' columns are there or not. */
export const stateQueries = {
  runs: `
    select rm.run_id,
      (to_jsonb(rm) ->> 'failed_workers')::int as counter,
      (to_jsonb(rm) ->> 'completed_workers')::int as completed_counter,
      (select count(*) from partition_progress pp where pp.run_id = rm.run_id and pp.failed) as flags,
      (select count(*) from partition_progress pp where pp.run_id = rm.run_id and pp.completed) as completed_flags,
      (select count(*) from worker_runs wr where wr.run_id = rm.run_id and wr.status = 'failed') as rows,
      (select count(*) from worker_runs wr where wr.run_id = rm.run_id and wr.status = 'completed') as completed_rows
    from run_metadata rm order by rm.run_id`,
  partitions: `
    select pp.run_id, pp.partition_id, pp.completed, pp.failed, wr.status as row
    from partition_progress pp left join worker_runs wr on wr.run_id = pp.run_id and wr.partition_id = pp.partition_id
    order by pp.run_id, pp.partition_id`,
  logged: `select run_id, counter, computed from discrepancy_log order by id`,
};

interface RunCounts {
  readonly run_id: string;
  /** Null where the column is gone. */
  readonly counter: number | null;
  readonly completed_counter: number | null;
  readonly flags: number;
  readonly completed_flags: number;
  readonly rows: number;
  readonly completed_rows: number;
}

type Context = InvariantContext<MigrationInitial, Rollout, World>;

/** At quiescence. The races of today's code are not judged here again: only what the migration promises or breaks. */
export const invariants = {
  "no statement names a column that is gone": (_state: State, { operations }: Context): Broken | undefined => {
    const failed = operations.find(({ result }) => "threw" in result && namesWhatIsGone(result.threw));
    if (failed === undefined || !("threw" in failed.result)) return undefined;
    const { operation, actor, result } = failed;
    return { way: `${operation} fails`, message: `"${operation}" of ${actor} failed: ${result.threw.message}` };
  },
  "pages show numbers": (_state: State, { operations }: Context): Broken | undefined => {
    for (const { operation, result } of operations) {
      if (operation !== "view run" || !("returned" in result)) continue;
      const { run } = result.returned as unknown as RunAnswer;
      if (run === null || [run.failedWorkers, run.completedWorkers].every((each) => Number.isFinite(each))) continue;
      const message = `a page shows ${String(run.failedWorkers)} failed and ${String(run.completedWorkers)} completed`;
      return { way: "no number", message };
    }
    return undefined;
  },
  /** In the end, of pages that are not yet deployed with computed numbers. */
  "counters that pages show are kept": (state: State, { world, initial, implementation }: Context) => {
    const pages = world.deployedTo("dashboard") ?? implementation.deployed[initial.phase];
    if (pages.source !== "run_metadata" || !world.countersStopped) return undefined;
    const stale = runsOf(state).find(({ counter, flags }) => counter !== flags);
    return (
      stale && {
        way: "stale",
        message: `run ${stale.run_id}: pages show failed_workers = ${stale.counter}, which nobody keeps any more; flagged are ${stale.flags}`,
      }
    );
  },
  /** Once a reconciliation has ended: nothing is left, or comes back, that it should have mended. */
  "what is reconciled stays so": (state: State, { world }: Context): Broken | undefined => {
    if (!world.reconciled) return undefined;
    for (const run of runsOf(state)) {
      if (run.flags !== run.rows || run.completed_flags !== run.completed_rows)
        return {
          way: "flags and worker runs differ",
          message: `run ${run.run_id}: flagged ${run.flags} failed and ${run.completed_flags} completed, worker runs ${run.rows} and ${run.completed_rows}`,
        };
      const counted = run.counter !== null && !world.countersStopped;
      if (counted && (run.counter !== run.flags || run.completed_counter !== run.completed_flags))
        return {
          way: "counters and flags differ",
          message: `run ${run.run_id}: counted ${run.counter} failed and ${run.completed_counter} completed, flagged ${run.flags} and ${run.completed_flags}`,
        };
    }
    return undefined;
  },
  /** Where pages compare from the beginning, counters were right then, and are right in the end: so there was nothing to log. */
  "the discrepancy log raises no false alarm": (state: State, { initial, world }: Context): Broken | undefined => {
    if (initial.phase === "before" || initial.desynced || world.countersStopped) return undefined;
    const runs = runsOf(state);
    for (const { run_id, counter, computed } of state["logged"] ?? []) {
      const run = runs.find((each) => each.run_id === run_id);
      if (run !== undefined && (run.counter === null || run.counter === run.flags))
        return {
          way: "false alarm",
          message: `run ${String(run_id)}: logged failed_workers = ${String(counter)} against ${String(computed)} computed, where nothing is wrong in the end`,
        };
    }
    return undefined;
  },
  "nothing is stuck": (state: State, { world: { queue } }: Context): Broken | undefined => {
    const stuck = (state["partitions"] ?? []).find(
      ({ run_id, partition_id, completed, failed, row }) =>
        (row === "running" || !(completed === true || failed === true)) &&
        !queue.has({ runId: String(run_id), partitionId: String(partition_id) }),
    );
    return (
      stuck && {
        way: "no message left",
        message: `partition ${String(stuck["run_id"])}/${String(stuck["partition_id"])} is neither completed nor failed, or its worker run is running, and no message is left for it`,
      }
    );
  },
};

function runsOf({ runs = [] }: State): readonly RunCounts[] {
  return runs as unknown as RunCounts[];
}

export function display({ runs = [], partitions = [], logged = [] }: State): Record<string, string> {
  const flagged = partitions.map(
    ({ partition_id, completed, failed }) =>
      `${String(partition_id)} ${failed === true ? "failed" : completed === true ? "completed" : "-"}`,
  );
  return {
    counter: (runs as unknown as RunCounts[])
      .map(({ counter }) => (counter === null ? "gone" : String(counter)))
      .join("\n"),
    flags: flagged.join("\n"),
    rows: partitions.map(({ partition_id, row }) => `${String(partition_id)} ${String(row ?? "-")}`).join("\n"),
    logged: String(logged.length),
  };
}
