import type { Broken, Call, Json, Reference, State } from "../../src/index.js";
import {
  WorkerRunGone,
  type RunAnswer,
  type RunsAnswer,
  type RunWithStats,
  type WorkerStatus,
} from "./implementation.js";
import { givenUp } from "./invariants.js";
import { flatten, workerRuns, type Initial } from "./initial.js";
import type { PartitionKey, Queue } from "./queue.js";
import { getRunStatus } from "./run-status.js";

/** The worker run that a partition has at the moment. */
interface CurrentRun {
  /** Null while nobody has been told it. */
  readonly id: string | null;
  readonly status: "running" | "failed" | "completed";
  readonly records: number;
}

/** A partition, as those who call know it. */
interface Partition {
  /** How often it has been retried. */
  readonly attempt: number;
  readonly run: CurrentRun | null;
}

/** Partitions by `run/partition`, in this order. */
type Partitions = Readonly<Record<string, Partition>>;

type Explain = (partitions: Partitions, call: Call) => readonly Partitions[];

/** What a call is about. The attempt is there where the implementation heeds it. */
interface About extends PartitionKey {
  readonly attempt?: number;
}

interface Report extends About {
  readonly workerRun: string;
  /** Of a success. */
  readonly records?: number;
}

/**
 * What the calls do when they are made one after the other:
 *
 * - `startWork` gives the partition's worker run, and creates it where there is none. (Of an outdated attempt it may say
 *   that there is nothing to do.) Which id a new one has is the database's business; it is known from the answer.
 * - `recordFailure` and `recordSuccess` report on the worker run that `startWork` gave. Where a retry has taken that run
 *   away, the report comes too late and changes nothing: the retry decides. A completed run stays completed; a failed one
 *   that is delivered again may still succeed; failing twice is failing once.
 * - `resetFailedWorker` takes a failed worker run away, and the partition is as if it had never been begun. Of a partition
 *   that has not failed, or of an attempt that is not the current one, it changes nothing.
 * - `recordDeadLetter` fails the attempt that the message was for, unless that is completed.
 * - `workersTable` shows every worker run; an answer of the dashboard shows numbers, table and status of one moment.
 *
 * A call whose process died, or that passed an error on, has had its effect or not. The final state must be the one that
 * the calls lead to, in the flags and in the worker runs; the counter is no part of it, since options 1A and 1B keep it for
 * reference only.
 */
export const reference: Reference<Initial, Queue, Partitions> = {
  initial: (initial) => {
    const seeded = new Map(workerRuns(initial).map((run) => [keyOf(run.item), run]));
    return Object.fromEntries(
      flatten(initial).map(({ item }) => {
        const run = seeded.get(keyOf(item));
        const current = run && { id: String(run.id), status: run.status, records: 0 };
        return [keyOf(item), { attempt: item.attempt, run: current ?? null }];
      }),
    );
  },

  explain: {
    startWork: maybe((partitions, { parameters, result }) => {
      const about = parameters as unknown as About;
      const partition = of(partitions, about);
      const given = returned(result) as { readonly id: string } | null | undefined;
      if (given === null) return isOutdated(partition, about) ? [partitions] : [];
      if (given !== undefined && isOutdated(partition, about)) return [];
      const { run } = partition;
      if (given === undefined)
        return [run === null ? put(partitions, about, { run: { ...begun, id: null } }) : partitions];
      if (run === null) return [put(partitions, about, { run: { ...begun, id: given.id } })];
      if (run.id === null) return [put(partitions, about, { run: { ...run, id: given.id } })];
      return run.id === given.id ? [partitions] : [];
    }),

    recordFailure: maybe((partitions, { parameters, result }) => {
      const report = parameters as unknown as Report;
      const run = openRun(partitions, report);
      if (run === undefined) return [partitions];
      return saysGone(result) ? [] : [put(partitions, report, { run: { ...run, status: "failed" } })];
    }),

    recordSuccess: maybe((partitions, { parameters, result }) => {
      const report = parameters as unknown as Report;
      const run = openRun(partitions, report);
      if (run === undefined) return [partitions];
      const completed = { ...run, status: "completed", records: report.records ?? 0 } as const;
      return saysGone(result) ? [] : [put(partitions, report, { run: completed })];
    }),

    resetFailedWorker: maybe((partitions, { parameters, result }) => {
      const about = parameters as unknown as About;
      const partition = of(partitions, about);
      const applies = partition.run?.status === "failed" && !isOutdated(partition, about);
      // Undefined where it does not say, or did not live to say it.
      const said = returned(result) ?? undefined;
      if (said !== undefined && said !== applies) return [];
      return [applies ? put(partitions, about, { attempt: partition.attempt + 1, run: null }) : partitions];
    }),

    recordDeadLetter: maybe((partitions, { parameters }) => {
      const about = parameters as unknown as About;
      const partition = of(partitions, about);
      if (isOutdated(partition, about) || partition.run?.status === "completed") return [partitions];
      const run = partition.run ?? { ...begun, id: null };
      return [put(partitions, about, { run: { ...run, status: "failed" } })];
    }),

    workersTable: read((partitions, answer, { parameters }) =>
      sameTable(
        answer as unknown as readonly WorkerStatus[],
        tableOf(partitions, (parameters as unknown as { runId: string }).runId),
      ),
    ),

    getRunDetails: read((partitions, answer, { parameters }) => {
      const { run, workers } = answer as unknown as RunAnswer;
      const { runId } = parameters as unknown as { runId: string };
      return (
        run !== null && sameRun(run, shownRun(partitions, runId)) && sameTable(workers, tableOf(partitions, runId))
      );
    }),

    getRunsWithStats: read((partitions, answer) => {
      const { runs, total } = answer as unknown as RunsAnswer;
      const ids = [...new Set(Object.keys(partitions).map((key) => key.split("/")[0]!))];
      const all = ids.every((runId) => runs.some((run) => sameRun(run, shownRun(partitions, runId))));
      return all && runs.length === ids.length && total === ids.length;
    }),
  },

  final: (partitions, state) => {
    for (const [key, { run }] of Object.entries(partitions)) {
      const found = foundIn(state, key);
      const due = run?.status ?? "no worker run";
      if (found.row !== due) return broken("worker run", key, due, found.row);
      const [flags, dueFlags] = [found.flags, run === null || run.status === "running" ? "neither" : run.status];
      if (flags !== dueFlags) return broken("flags", key, dueFlags, flags);
      if (found.error !== (run?.status === "failed"))
        return broken("error message", key, run?.status === "failed" ? "one" : "none", found.error ? "one" : "none");
      // A retry of what the page shows would be dropped as outdated.
      if (found.shown !== found.attempt)
        return broken("work item", key, `that of attempt ${found.attempt}`, `that of attempt ${found.shown}`);
      if (found.records !== (run?.records ?? 0))
        return broken("records", key, `${run?.records ?? 0} records`, `${found.records} records`);
    }
    return undefined;
  },
};

const begun = { status: "running", records: 0 } as const;

/**
 * A call that did not end well may or may not have had its effect. What says that its worker run is gone had none; and
 * one after the other, no call comes to any other error.
 */
function maybe(explain: Explain): Explain {
  return (partitions, call) => {
    const { result } = call;
    if (failedByItself(result)) return [];
    if ("returned" in result || saysGone(result)) return explain(partitions, call);
    return [partitions, ...explain(partitions, call)];
  };
}

/** A call that changes nothing and must show what there is; one that did not end well says nothing. */
function read(fits: (partitions: Partitions, answer: Json, call: Call) => boolean): Explain {
  return (partitions, call) => {
    const { result } = call;
    if (failedByItself(result)) return [];
    if (!("returned" in result)) return [partitions];
    return fits(partitions, result.returned, call) ? [partitions] : [];
  };
}

/** What a call answered; undefined when it did not. */
function returned(result: Call["result"]): Json | undefined {
  return "returned" in result ? result.returned : undefined;
}

/** An error of Postgres that is not about other transactions: a key that is there already, a value that is not allowed. */
function failedByItself(result: Call["result"]): boolean {
  return "threw" in result && result.threw.code !== null && !givenUp.has(result.threw.code);
}

function saysGone(result: Call["result"]): boolean {
  return "threw" in result && result.threw.name === WorkerRunGone.name;
}

function keyOf({ runId, partitionId }: PartitionKey): string {
  return `${runId}/${partitionId}`;
}

function of(partitions: Partitions, about: PartitionKey): Partition {
  return partitions[keyOf(about)]!;
}

function put(partitions: Partitions, about: PartitionKey, change: Partial<Partition>): Partitions {
  return { ...partitions, [keyOf(about)]: { ...of(partitions, about), ...change } };
}

function isOutdated(partition: Partition, { attempt }: About): boolean {
  return attempt !== undefined && attempt !== partition.attempt;
}

/** The worker run that a report is about, if it is still there to be reported on. */
function openRun(partitions: Partitions, report: Report): CurrentRun | undefined {
  const { run } = of(partitions, report);
  return run !== null && run.id === report.workerRun && run.status !== "completed" ? run : undefined;
}

function partitionsOf(partitions: Partitions, runId: string): [partitionId: string, Partition][] {
  return Object.entries(partitions)
    .filter(([key]) => key.startsWith(`${runId}/`))
    .map(([key, partition]) => [key.slice(runId.length + 1), partition]);
}

function tableOf(partitions: Partitions, runId: string): WorkerStatus[] {
  return partitionsOf(partitions, runId).flatMap(([partition_id, { run }]) =>
    run === null ? [] : [{ partition_id, status: run.status }],
  );
}

/** Both are in the order of the partitions. */
function sameTable(a: readonly WorkerStatus[], b: readonly WorkerStatus[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ partition_id, status }, i) => partition_id === b[i]!.partition_id && status === b[i]!.status)
  );
}

function shownRun(partitions: Partitions, runId: string): RunWithStats {
  const all = partitionsOf(partitions, runId).map(([, { run }]) => run);
  const completedWorkers = all.filter((run) => run?.status === "completed").length;
  const failedWorkers = all.filter((run) => run?.status === "failed").length;
  const status = getRunStatus({
    completed_at: null,
    expected_workers: all.length,
    completed_workers: completedWorkers,
    failed_workers: failedWorkers,
  });
  const totalRecords = all.reduce((sum, run) => sum + (run?.records ?? 0), 0);
  return { runId, expectedWorkers: all.length, completedWorkers, failedWorkers, totalRecords, status };
}

function sameRun(a: RunWithStats, b: RunWithStats): boolean {
  return (Object.keys(b) as (keyof RunWithStats)[]).every((key) => a[key] === b[key]);
}

/** What the tables say of a partition. */
function foundIn({ flags = [], rows = [], retried = [] }: State, key: string) {
  const [runId, partitionId] = key.split("/");
  const isIt = ({ run_id, partition_id }: { run_id?: unknown; partition_id?: unknown }) =>
    run_id === runId && partition_id === partitionId;
  const flag = flags.find(isIt);
  const row = rows.find(isIt);
  const attempt = Number(retried.find(isIt)?.["attempt"] ?? 0);
  const set = [
    ...(flag?.["completed"] === true ? ["completed"] : []),
    ...(flag?.["failed"] === true ? ["failed"] : []),
  ];
  return {
    flags: set.length === 0 ? "neither" : set.join(" and "),
    row: (row?.["status"] as string | undefined) ?? "no worker run",
    records: (row?.["records"] as number | undefined) ?? 0,
    error: row?.["error"] === true,
    attempt,
    /** Which attempt the work item is for that the page would send again. */
    shown: Number(retried.find(isIt)?.["shown"] ?? attempt),
  };
}

function broken(what: string, key: string, due: string, found: string): Broken {
  return {
    way: `${what} of a partition`,
    message: `${what} of partition ${key}: ${found}, where every order of the calls that explains their answers leads to: ${due}`,
  };
}
