import type { Broken, State } from "../../src/index.js";

/** What the tables hold, for judging and for showing. */
export const stateQueries = {
  runs: `
    select rm.run_id, rm.failed_workers as counter,
      (select count(*) from partition_progress pp where pp.run_id = rm.run_id and pp.failed) as flags,
      (select count(*) from worker_runs wr where wr.run_id = rm.run_id and wr.status = 'failed') as rows
    from run_metadata rm order by rm.run_id`,
  flags: `select run_id, partition_id, completed, failed from partition_progress order by run_id, partition_id`,
  rows: `select run_id, partition_id, status from worker_runs order by run_id, partition_id`,
  clamped: `select run_id, count(*) as times from clamped_decrements group by run_id order by run_id`,
};

interface RunCounts {
  readonly run_id: string;
  readonly counter: number;
  readonly flags: number;
  readonly rows: number;
}

export const invariants = {
  "counter equals failed flags": (state: State) =>
    agree(state, "flags", (count) => `${count} partition${count === 1 ? " is" : "s are"} flagged failed`),
  "counter equals failed rows": (state: State) =>
    agree(state, "rows", (count) => `${count} worker run${count === 1 ? " is" : "s are"} failed`),
  "counter is never clamped": ({ clamped = [] }: State): Broken | undefined => {
    if (clamped.length === 0) return undefined;
    const each = clamped.map(
      ({ run_id, times }) => `${String(run_id)}: ${String(times)} time${times === 1 ? "" : "s"}`,
    );
    return {
      way: "decremented at zero",
      message: `failed_workers was decremented while it was 0 (${each.join(", ")})`,
    };
  },
};

function agree({ runs = [] }: State, other: "flags" | "rows", describe: (count: number) => string): Broken | undefined {
  const apart = (runs as unknown as RunCounts[]).filter((run) => run.counter !== run[other]);
  if (apart.length === 0) return undefined;
  const ways = new Set(apart.map((run) => (run.counter > run[other] ? "too high" : "too low")));
  const messages = apart.map(
    (run) => `run ${run.run_id}: failed_workers = ${run.counter}, but ${describe(run[other])}`,
  );
  return { way: [...ways].toSorted().join(" and "), message: messages.join("; ") };
}

/** What a report shows beside each step. Runs are named only where there are several. */
export function display({ runs = [], flags = [], rows = [] }: State): Record<string, string> {
  const name = (row: Record<string, unknown>) =>
    (runs.length > 1 ? `${String(row["run_id"])}/` : "") + String(row["partition_id"]);
  const counters = runs.map((run) => (runs.length > 1 ? `${String(run["run_id"])}: ` : "") + String(run["counter"]));
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
