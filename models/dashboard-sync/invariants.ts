import type { Broken, InvariantContext, State } from "../../src/index.js";
import type { DashboardSync, RunAnswer, RunsAnswer, Source } from "./implementation.js";
import type { Initial } from "./initial.js";
import type { Queue } from "./queue.js";
import { getRunStatus } from "./run-status.js";

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
  rows: `select run_id, partition_id, status from worker_runs order by run_id, partition_id`,
  clamped: `select run_id, count(*) as times from clamped_decrements group by run_id order by run_id`,
};

interface RunCounts {
  readonly run_id: string;
  readonly expected: number;
  readonly counter: number;
  readonly flags: number;
  readonly rows: number;
  readonly completed_counter: number;
  readonly completed_flags: number;
  readonly completed_rows: number;
}

interface Partition {
  readonly run_id: string;
  readonly partition_id: string;
  readonly completed: boolean;
  readonly failed: boolean;
  /** Status of its worker run; null without one. */
  readonly row: string | null;
}

type Context = InvariantContext<Initial, Queue, DashboardSync>;

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

/**
 * At quiescence. The first five compare the three places with each other, whichever of them an implementation shows:
 * for options 1A and 1B, which keep the counter for reference only, what counts is what follows after that. That the
 * counters stay within 0 and expected_workers needs no invariant of its own: there are as many partitions as workers are
 * expected, so a counter outside of that equals no number of flags.
 */
export const invariants = {
  "counter equals failed flags": (state: State) =>
    agree(state, "counter", "flags", (run) => [
      `failed_workers = ${run.counter}`,
      `${plural(run.flags, "partition is", "partitions are")} flagged failed`,
    ]),
  "counter equals failed rows": (state: State) =>
    agree(state, "counter", "rows", (run) => [
      `failed_workers = ${run.counter}`,
      `${plural(run.rows, "worker run is", "worker runs are")} failed`,
    ]),
  "failed flags equal failed rows": (state: State) => {
    const found = agree(state, "flags", "rows", (run) => [
      `${plural(run.flags, "partition is", "partitions are")} flagged failed`,
      `${plural(run.rows, "worker run is", "worker runs are")} failed`,
    ]);
    return found && { ...found, way: "differ" };
  },
  "completed counter, flags and rows agree": (state: State) => {
    const apart = runsOf(state).find(
      (run) => run.completed_counter !== run.completed_flags || run.completed_flags !== run.completed_rows,
    );
    return (
      apart && {
        way: "differ",
        message:
          `run ${apart.run_id}: completed_workers = ${apart.completed_counter}, ` +
          `${plural(apart.completed_flags, "partition is", "partitions are")} flagged completed, ` +
          `${plural(apart.completed_rows, "worker run is", "worker runs are")} completed`,
      }
    );
  },
  "no partition is completed and failed": (state: State): Broken | undefined => {
    const both = partitionsOf(state).find(
      ({ completed, failed, row }) => (completed || row === "completed") && (failed || row === "failed"),
    );
    return (
      both && { way: "both", message: `${nameOf(both)} is ${flagsOf(both)}, its worker run ${both.row ?? "gone"}` }
    );
  },
  "counter is never clamped": ({ clamped = [] }: State): Broken | undefined => {
    if (clamped.length === 0) return undefined;
    const each = clamped.map(({ run_id, times }) => `${String(run_id)}: ${plural(Number(times), "time", "times")}`);
    return {
      way: "decremented at zero",
      message: `failed_workers was decremented while it was 0 (${each.join(", ")})`,
    };
  },

  /** What the analytics show and what the table beside them shows, in the end: this stays wrong until somebody repairs it. */
  "no desync": (state: State, { implementation: { source } }: Context): Broken | undefined => {
    const apart = runsOf(state).find((run) => desynced(run, source));
    if (apart === undefined) return undefined;
    const { failed, completed } = shown(apart, source);
    return {
      way: "stays wrong",
      message: `run ${apart.run_id}: the analytics show ${failed} failed and ${completed} completed, the table of workers has ${apart.rows} and ${apart.completed_rows}`,
    };
  },
  /**
   * Within one answer, the numbers equal what the table of the same answer says. Only where both agree again in the end:
   * an answer that shows a desync is not what tore it.
   */
  "no torn read": (state: State, { implementation: { source }, operations }: Context): Broken | undefined => {
    const runs = runsOf(state);
    for (const answer of answersOf(operations, "view run")) {
      const run = runs.find(({ run_id }) => run_id === answer.run?.runId);
      if (answer.run === null || run === undefined || desynced(run, source)) continue;
      const [failed, completed] = ["failed", "completed"].map(
        (status) => answer.workers.filter((worker) => worker.status === status).length,
      );
      if (answer.run.failedWorkers === failed && answer.run.completedWorkers === completed) continue;
      return {
        way: "wrong for a moment",
        message: `one answer for run ${run.run_id} shows ${answer.run.failedWorkers} failed and ${answer.run.completedWorkers} completed above a table with ${failed} and ${completed}`,
      };
    }
    return undefined;
  },
  /** In the end: the status that the dashboard makes of its numbers is the one that the partitions call for. */
  "run status follows from the partitions": (state: State, { implementation: { source } }: Context) => {
    for (const run of runsOf(state)) {
      const is = statusOf(run.expected, shown(run, source));
      const due = statusOf(run.expected, shown(run, "partition_progress"));
      if (is !== due)
        return { way: "differs", message: `run ${run.run_id} is shown as ${is}, and its partitions make it ${due}` };
    }
    return undefined;
  },
  /** No partition is left undecided, or with a worker run that is running, once there is no message that could end it. */
  "nothing is stuck": (state: State, { world: queue }: Context): Broken | undefined => {
    const stuck = partitionsOf(state).find(
      ({ run_id, partition_id, completed, failed, row }) =>
        (row === "running" || (!completed && !failed)) && !queue.has({ runId: run_id, partitionId: partition_id }),
    );
    return (
      stuck && {
        way: "no message left",
        message: `${nameOf(stuck)} is ${flagsOf(stuck)}, its worker run ${stuck.row ?? "gone"}, and no message is left for it`,
      }
    );
  },
  "dashboard counts are numbers": (_state: State, { operations }: Context): Broken | undefined => {
    const shownRuns = [
      ...answersOf(operations, "view run").flatMap(({ run }) => (run === null ? [] : [run])),
      ...answersOf(operations, "view runs").flatMap(({ runs }) => runs),
    ];
    const wrong = shownRuns.find(({ failedWorkers }) => typeof failedWorkers !== "number");
    return (
      wrong && { way: "text", message: `run ${wrong.runId}: failedWorkers is ${JSON.stringify(wrong.failedWorkers)}` }
    );
  },
};

function runsOf({ runs = [] }: State): readonly RunCounts[] {
  return runs as unknown as RunCounts[];
}

function partitionsOf({ flags = [], rows = [] }: State): readonly Partition[] {
  return flags.map((flag) => {
    const row = rows.find(
      ({ run_id, partition_id }) => run_id === flag["run_id"] && partition_id === flag["partition_id"],
    );
    return { ...flag, row: row?.["status"] ?? null } as unknown as Partition;
  });
}

function nameOf({ run_id, partition_id }: Partition): string {
  return `partition ${run_id}/${partition_id}`;
}

function flagsOf({ completed, failed }: Partition): string {
  const flags = [...(completed ? ["completed"] : []), ...(failed ? ["failed"] : [])];
  return flags.length === 0 ? "neither completed nor failed" : `flagged ${flags.join(" and ")}`;
}

/** The numbers that an implementation shows for this state. */
function shown(run: RunCounts, source: Source): { readonly failed: number; readonly completed: number } {
  switch (source) {
    case "run_metadata":
      return { failed: run.counter, completed: run.completed_counter };
    case "partition_progress":
      return { failed: run.flags, completed: run.completed_flags };
    case "worker_runs":
      return { failed: run.rows, completed: run.completed_rows };
  }
}

function desynced(run: RunCounts, source: Source): boolean {
  const { failed, completed } = shown(run, source);
  return failed !== run.rows || completed !== run.completed_rows;
}

function statusOf(expected: number, { failed, completed }: ReturnType<typeof shown>): string {
  return getRunStatus({
    completed_at: null,
    expected_workers: expected,
    failed_workers: failed,
    completed_workers: completed,
  });
}

interface Answers {
  readonly "view run": RunAnswer;
  readonly "view runs": RunsAnswer;
}

/** What the dashboard answered, where it did. */
function answersOf<Operation extends keyof Answers>(
  operations: Context["operations"],
  operation: Operation,
): readonly Answers[Operation][] {
  return operations.flatMap((record) =>
    record.operation === operation && "returned" in record.result
      ? [record.result.returned as unknown as Answers[Operation]]
      : [],
  );
}

/** Of several runs that are apart the first decides the way: two of them are no other bug than one. */
function agree(
  state: State,
  one: "counter" | "flags",
  other: "flags" | "rows",
  describe: (run: RunCounts) => [string, string],
): { readonly way: string; readonly message: string } | undefined {
  const apart = runsOf(state).filter((run) => run[one] !== run[other]);
  const first = apart[0];
  if (first === undefined) return undefined;
  return {
    way: first[one] > first[other] ? "too high" : "too low",
    message: apart.map((run) => `run ${run.run_id}: ${describe(run).join(", but ")}`).join("; "),
  };
}

/**
 * What a report shows beside each step. Runs are named only where there are several; completed_workers is shown only
 * where it is not what the flags say.
 */
export function display({ runs = [], flags = [], rows = [] }: State): Record<string, string> {
  const name = (row: Record<string, unknown>) =>
    (runs.length > 1 ? `${String(row["run_id"])}/` : "") + String(row["partition_id"]);
  const counters = (runs as unknown as RunCounts[]).map(
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
