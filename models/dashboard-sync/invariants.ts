import type { Broken, InvariantContext, State } from "../../src/index.js";
import type { DashboardSync, RunAnswer, RunsAnswer, RunWithStats, Source } from "./implementation.js";
import { isLostConnectionMessage } from "./implementations/repeat.js";
import type { Initial } from "./initial.js";
import type { Queue } from "./queue.js";
import { getRunStatus } from "./run-status.js";
import { partitionsOf, runsOf, writesOf, type Partition, type RunCounts } from "./state.js";

type Context = InvariantContext<Initial, DashboardSync, Queue>;

const plural = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

/** What Postgres gives up: serialization failure, deadlock. And what comes of going on in a transaction that it gave up. */
export const givenUp: ReadonlySet<string | null> = new Set(["40001", "40P01", "25P02"]);

/**
 * The first eight look at the three places themselves, whichever of them an implementation shows: options 1A and 1B keep
 * the counter for reference only, so of theirs a wrong counter is not a wrong dashboard. What follows is about the
 * dashboard, and there each is judged by what it shows.
 *
 * Two are checked after every COMMIT, too: what is whole again in the end was broken "for a moment".
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
  "counters stay within 0 and the expected workers": {
    when: "every commit",
    holds: (state: State): Broken | undefined => {
      for (const { run_id, expected, counter, completed_counter } of runsOf(state)) {
        const counters = { failed_workers: counter, completed_workers: completed_counter };
        for (const [name, value] of Object.entries(counters)) {
          if (value >= 0 && value <= expected) continue;
          const way = value < 0 ? "negative" : "more than expected";
          return { way, message: `run ${run_id}: ${name} = ${value}, of ${expected} expected workers` };
        }
      }
      return undefined;
    },
  },
  "counter is never clamped": (state: State): Broken | undefined => {
    const clamped = writesOf(state).filter((run) => run.clamped > 0);
    if (clamped.length === 0) return undefined;
    const each = clamped.map((run) => `${run.run_id}: ${plural(run.clamped, "time", "times")}`);
    return {
      way: "decremented at zero",
      message: `failed_workers was decremented while it was 0 (${each.join(", ")})`,
    };
  },
  /** However often it fails, it is counted once until somebody retries it, or until it succeeds. */
  "a failure counts once before it is taken back": (state: State, { initial }: Context): Broken | undefined => {
    for (const { run_id, increments, decrements, clamped } of writesOf(state)) {
      const partitions = initial.runs[Number(run_id.slice(1)) - 1] ?? [];
      const uncounted = partitions.filter((each) => each !== "failed").length;
      const most = uncounted + decrements + clamped;
      if (increments > most)
        return {
          way: "counted again",
          message: `run ${run_id}: failed_workers was incremented ${plural(increments, "time", "times")}, and no more than ${most} could be due`,
        };
    }
    return undefined;
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
    for (const { details } of answersOf(operations)) {
      const run = runs.find(({ run_id }) => run_id === details?.run?.runId);
      if (!details?.run || run === undefined || desynced(run, source)) continue;
      const [failed, completed] = ["failed", "completed"].map(
        (status) => details.workers.filter((worker) => worker.status === status).length,
      );
      if (details.run.failedWorkers === failed && details.run.completedWorkers === completed) continue;
      return {
        way: "wrong for a moment",
        message: `one answer for run ${run.run_id} shows ${details.run.failedWorkers} failed and ${details.run.completedWorkers} completed above a table with ${failed} and ${completed}`,
      };
    }
    return undefined;
  },
  /** Of two pages that somebody opens one after the other while nobody else does anything. */
  "both pages show the same run": (_state: State, { operations }: Context): Broken | undefined => {
    for (const { list, details, steps } of answersOf(operations)) {
      if (!list || !details?.run || operations.some((other) => other.steps !== steps && overlap(other.steps, steps)))
        continue;
      const listed = list.runs.find(({ runId }) => runId === details.run?.runId);
      const [a, b] = [asShown(listed), asShown(details.run)];
      if (a !== b) return { way: "differ", message: `the page of all runs shows ${a}, the page of the run ${b}` };
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
  "dashboard counts are numbers": (_state: State, { operations }: Context): Broken | undefined => {
    const shownRuns = answersOf(operations).flatMap(({ list, details }) => [
      ...(list?.runs ?? []),
      ...(details?.run ? [details.run] : []),
    ]);
    const wrong = shownRuns.find(({ failedWorkers }) => typeof failedWorkers !== "number");
    return (
      wrong && { way: "text", message: `run ${wrong.runId}: failedWorkers is ${JSON.stringify(wrong.failedWorkers)}` }
    );
  },
  /** Code that does once more what Postgres gave up, or what a broken connection left open, has no such error to show. */
  "transient errors are dealt with": (_state: State, { operations }: Context): Broken | undefined => {
    for (const { actor, operation, result } of operations) {
      if (!("threw" in result)) continue;
      const { code, message } = result.threw;
      if (!givenUp.has(code) && !isLostConnectionMessage(message)) continue;
      const way = code === null ? "lost connection" : code;
      return { way, message: `"${operation}" of ${actor} passed an error on: ${message}` };
    }
    return undefined;
  },
  /** Whoever reads at whatever moment, in one snapshot, sees what is shown, flags and worker runs agree. */
  "no reader sees them apart": {
    when: "every commit",
    holds: (state: State, { implementation: { source } }: Context): Broken | undefined => {
      const apart = runsOf(state).find(
        (run) => desynced(run, source) || run.flags !== run.rows || run.completed_flags !== run.completed_rows,
      );
      if (apart === undefined) return undefined;
      const { failed, completed } = shown(apart, source);
      return {
        way: "apart",
        message:
          `run ${apart.run_id}: failed and completed are shown as ${failed} and ${completed}, ` +
          `flagged ${apart.flags} and ${apart.completed_flags}, worker runs ${apart.rows} and ${apart.completed_rows}`,
      };
    },
  },
  /**
   * No partition is left undecided, or with a worker run that is running, once there is nothing that could end it: no
   * message, no work item that is still owed to the queue, and no dead letter where somebody looks after those. Where
   * attempts are heeded, what is for another attempt than the current one will end nothing.
   */
  "nothing is stuck": (state: State, { world: queue, implementation }: Context): Broken | undefined => {
    const stuck = partitionsOf(state).find(({ run_id, partition_id, completed, failed, row }) => {
      if (row !== "running" && (completed || failed)) return false;
      const about = { runId: run_id, partitionId: partition_id };
      if (implementation.outbox === undefined) return !queue.has(about);
      const isIt = (row: State[string][number]) => row["run_id"] === run_id && row["partition_id"] === partition_id;
      const attempt = Number(state["retried"]?.find(isIt)?.["attempt"] ?? 0);
      const owed = state["owed"]?.some((item) => isIt(item) && item["attempt"] === attempt);
      return !(owed === true || queue.has(about, attempt) || queue.hasDeadLetter(about));
    });
    return (
      stuck && {
        way: "nothing left that could end it",
        message: `${nameOf(stuck)} is ${flagsOf(stuck)}, its worker run ${stuck.row ?? "gone"}, and no message is left for it`,
      }
    );
  },
  /** Once somebody has relayed what is owed, with no retry under way that could owe more, nothing is owed. */
  "what is relayed is no longer owed": ({ owed = [] }: State, { operations }: Context): Broken | undefined => {
    const done = ({ result }: Context["operations"][number]) => "returned" in result && result.returned !== null;
    const last = operations.findLast(({ operation }) => operation === "relay");
    if (owed.length === 0 || last === undefined || !done(last)) return undefined;
    const retries = operations.filter(({ operation, steps }) => operation.includes("retry") && steps !== null);
    if (retries.some(({ steps }) => steps![1] > last.steps![0])) return undefined;
    return { way: "still owed", message: `${plural(owed.length, "work item is", "work items are")} still owed` };
  },
} as const;

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

/** What the dashboard answered, where it did: the page of all runs, of one run, or both. */
interface Answer {
  readonly list?: RunsAnswer;
  readonly details?: RunAnswer;
  readonly steps: Context["operations"][number]["steps"];
}

function answersOf(operations: Context["operations"]): readonly Answer[] {
  return operations.flatMap(({ operation, result, steps }): Answer[] => {
    if (!("returned" in result)) return [];
    switch (operation) {
      case "view run":
        return [{ details: result.returned as unknown as RunAnswer, steps }];
      case "view runs":
        return [{ list: result.returned as unknown as RunsAnswer, steps }];
      case "view both":
        return [{ ...(result.returned as unknown as Answer), steps }];
      default:
        return [];
    }
  });
}

function overlap(a: Answer["steps"], b: Answer["steps"]): boolean {
  return a !== null && b !== null && a[0] <= b[1] && b[0] <= a[1];
}

/** As it reads on a page, where a number that is a text makes no difference. */
function asShown(run: RunWithStats | undefined): string {
  if (run === undefined) return "nothing";
  return `${run.runId} as ${run.status}, ${run.failedWorkers} failed and ${run.completedWorkers} completed of ${run.expectedWorkers}, ${run.totalRecords} records`;
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
