import { fc, type Program, type Rows } from "../../src/index.js";
import { maxDeliveryCount, Queue, type WorkItem } from "./queue.js";

/**
 * `pending`: never worked on; its message waits for the first delivery.
 * `failed`: delivered once, failed, abandoned; its message is back in the queue (T2 of the analysis).
 * `last delivery`: begun and never ended; its message waits to be delivered for the last time.
 * `retried in vain`: the same after a retry, and both workers died before they could begin (no worker run). Of examples only.
 */
export type PartitionState = "pending" | "failed" | "last delivery" | "retried in vain";

const deliveries: Readonly<Record<PartitionState, number>> = {
  pending: 0,
  failed: 1,
  "last delivery": maxDeliveryCount - 1,
  "retried in vain": maxDeliveryCount - 1,
};

const rowStatus = {
  pending: undefined,
  failed: "failed",
  "last delivery": "running",
  "retried in vain": undefined,
} as const;

/** The partitions of each run. Run 1 is the first. */
export interface Initial {
  readonly runs: readonly (readonly PartitionState[])[];
}

/** Which partition an operation is about; both count from 1. */
export interface Target {
  readonly run: number;
  readonly partition: number;
}

// Simplest first: it is what shrinking aims at. Mostly one run with one partition, where whatever happens meets.
const state = fc.constantFrom<PartitionState>("failed", "failed", "pending", "pending", "pending", "last delivery");
const partitions = oneOrTwo(state, 3);

export const initials: fc.Arbitrary<Initial> = fc.record({ runs: oneOrTwo(partitions, 12) });

/** Mostly one. */
function oneOrTwo<T>(one: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T[]> {
  return fc.oneof(
    { weight, arbitrary: fc.array(one, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(one, { minLength: 2, maxLength: 2 }) },
  );
}

/** The partitions that there are. */
export function targets({ runs }: Initial): fc.Arbitrary<Target> {
  return fc.constantFrom(
    ...runs.flatMap((states, run) => states.map((_, partition) => ({ run: run + 1, partition: partition + 1 }))),
  );
}

/** The runs that there are. */
export function runs({ runs }: Initial): fc.Arbitrary<Pick<Target, "run">> {
  return fc.constantFrom(...runs.map((_, run) => ({ run: run + 1 })));
}

/** The work item of the first attempt, or of another. */
export function workItem({ run, partition }: Target, attempt = 0): WorkItem {
  return { runId: `r${run}`, partitionId: `p${partition}`, attempt };
}

/** Whether the initial state has this partition; an operation on one that it has not does nothing. */
export function exists({ runs }: Initial, { run, partition }: Target): boolean {
  return runs[run - 1]?.[partition - 1] !== undefined;
}

/** The rows as they are before the first step. */
export function seed(initial: Initial): Rows {
  const all = flatten(initial);
  return {
    run_metadata: initial.runs.map((states, i) => ({
      run_id: `r${i + 1}`,
      expected_workers: states.length,
      failed_workers: states.filter((state) => state === "failed").length,
    })),
    partition_progress: all.map(({ item, state }) => ({
      run_id: item.runId,
      partition_id: item.partitionId,
      failed: state === "failed",
      ...(item.attempt === 0 ? {} : { attempt: item.attempt }),
    })),
    worker_runs: workerRuns(initial).map(({ id, item, status }) => ({
      id,
      run_id: item.runId,
      partition_id: item.partitionId,
      status,
      payload: item,
      error_message: status === "failed" ? "worker failed" : null,
    })),
  };
}

/** A worker run that there is to begin with. */
export interface SeededWorkerRun {
  readonly id: number;
  readonly item: WorkItem;
  readonly status: "failed" | "running";
}

/** The worker runs that there are to begin with; their ids are far from where the sequence starts. */
export function workerRuns(initial: Initial): readonly SeededWorkerRun[] {
  return flatten(initial).flatMap(({ item, state }, i) => {
    const status = rowStatus[state];
    return status === undefined ? [] : [{ id: 1001 + i, item, status }];
  });
}

export function queueOf(initial: Initial): Queue {
  return new Queue(flatten(initial).map(({ item, state }) => ({ item, deliveryCount: deliveries[state] })));
}

/** Every partition, run by run. */
export function flatten({ runs }: Initial): { item: WorkItem; state: PartitionState }[] {
  return runs.flatMap((states, run) =>
    states.map((state, partition) => {
      const attempt = state === "retried in vain" ? 1 : 0;
      return { item: workItem({ run: run + 1, partition: partition + 1 }, attempt), state };
    }),
  );
}

/**
 * Shrinking: runs and partitions that nothing happens to go, or change places with a later one, and worker A does what B
 * did. Operations may be about a partition, a run, or neither.
 */
export function* simplify<P extends Partial<Target>>(program: Program<Initial, P>): Generator<Program<Initial, P>> {
  const { runs } = program.initial;
  const parameters = program.actors.flatMap(({ operations }) => operations.map((call) => call.parameters));
  const named = new Set(parameters.flatMap(({ run }) => run ?? []));
  for (const [moved, number] of simplerLists(runs, named))
    yield rename(program, { runs: moved }, (about) =>
      about.run === undefined ? about : { ...about, run: number(about.run) },
    );
  for (const [i, states] of runs.entries()) {
    const own = parameters.filter(({ run }) => run === i + 1);
    const used = new Set(own.flatMap(({ partition }) => partition ?? []));
    for (const [moved, number] of simplerLists(states, used))
      yield rename(program, { runs: runs.with(i, moved) }, (about) =>
        about.run === i + 1 && about.partition !== undefined ? { ...about, partition: number(about.partition) } : about,
      );
  }
  // Nobody asks which of two workers it was.
  const [a, b] = ["worker A", "worker B"];
  const idle = !program.actors.some(({ name, operations }) => name === a && operations.length > 0);
  if (idle && program.actors.some(({ name, operations }) => name === b && operations.length > 0)) {
    const actors = program.actors
      .filter(({ name }) => name !== a)
      .map((actor) => (actor.name === b ? { ...actor, name: a } : actor));
    const faults = program.faults?.map((fault) => (fault.actor === b ? { ...fault, actor: a } : fault));
    yield { ...program, actors, ...(faults === undefined ? {} : { faults }) };
  }
}

/**
 * The list without one of the items that are not used, or with that and a later one swapped; and for each the numbers, from 1, that the
 * others have then.
 */
function* simplerLists<T>(
  items: readonly T[],
  used: ReadonlySet<number>,
): Generator<readonly [readonly T[], (number: number) => number]> {
  for (const idle of items.keys()) {
    if (used.has(idle + 1) || items.length < 2) continue;
    yield [items.toSpliced(idle, 1), (number) => (number > idle + 1 ? number - 1 : number)];
    for (const busy of used) {
      if (busy <= idle + 1 || busy > items.length) continue;
      const swapped = items.with(idle, items[busy - 1]!).with(busy - 1, items[idle]!);
      yield [swapped, (number) => (number === busy ? idle + 1 : number)];
    }
  }
}

function rename<P>(program: Program<Initial, P>, initial: Initial, change: (about: P) => P): Program<Initial, P> {
  const actors = program.actors.map((actor) => ({
    ...actor,
    operations: actor.operations.map((call) => ({ ...call, parameters: change(call.parameters) })),
  }));
  return { ...program, initial, actors };
}
