import { fc, type Program, type Rows } from "../../src/index.js";
import { Queue, type WorkItem } from "./queue.js";

/**
 * `pending`: never worked on; its message waits for the first delivery.
 * `failed`: delivered once, failed, abandoned; its message is back in the queue (T2 of the analysis).
 */
export type PartitionState = "pending" | "failed";

/** The partitions of each run. Run 1 is the first. */
export interface Initial {
  readonly runs: readonly (readonly PartitionState[])[];
}

/** Which partition an operation is about; both count from 1. */
export interface Target {
  readonly run: number;
  readonly partition: number;
}

const mostRuns = 2;
const mostPartitions = 2;

// Simplest first: it is what shrinking aims at.
const partitions = fc.array(fc.constantFrom<PartitionState>("failed", "pending"), {
  minLength: 1,
  maxLength: mostPartitions,
});

export const initials: fc.Arbitrary<Initial> = fc.record({
  runs: fc.array(partitions, { minLength: 1, maxLength: mostRuns }),
});

/** The partitions that there are. */
export function targets({ runs }: Initial): fc.Arbitrary<Target> {
  return fc.constantFrom(
    ...runs.flatMap((states, run) => states.map((_, partition) => ({ run: run + 1, partition: partition + 1 }))),
  );
}

export function workItem({ run, partition }: Target): WorkItem {
  return { runId: `r${run}`, partitionId: `p${partition}` };
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
    })),
    // Ids far from where the sequence starts.
    worker_runs: all
      .filter(({ state }) => state === "failed")
      .map(({ item }, i) => ({
        id: 1001 + i,
        run_id: item.runId,
        partition_id: item.partitionId,
        status: "failed",
        payload: item,
      })),
  };
}

export function queueOf(initial: Initial): Queue {
  return new Queue(flatten(initial).map(({ item, state }) => ({ item, deliveryCount: state === "failed" ? 1 : 0 })));
}

function flatten({ runs }: Initial): { item: WorkItem; state: PartitionState }[] {
  return runs.flatMap((states, run) =>
    states.map((state, partition) => ({ item: workItem({ run: run + 1, partition: partition + 1 }), state })),
  );
}

type DashboardProgram = Program<Initial, Target>;

/** Shrinking: partition 2 becomes 1 and run 2 becomes 1, where nothing happens to 1, and worker A does what B did. */
export function* simplify(program: DashboardProgram): Generator<DashboardProgram> {
  const { runs } = program.initial;
  const targeted = program.actors.flatMap(({ operations }) => operations.map(({ parameters }) => parameters));
  for (const [i, states] of runs.entries()) {
    const used = targeted.filter(({ run }) => run === i + 1).map(({ partition }) => partition);
    if (states.length < 2 || used.length === 0 || used.includes(1)) continue;
    const swapped = runs.map((each, at) => (at === i ? each.toReversed() : each));
    yield retarget(program, { runs: swapped }, (target) =>
      target.run === i + 1 ? { ...target, partition: 1 } : target,
    );
  }
  if (runs.length === 2 && targeted.length > 0 && targeted.every(({ run }) => run === 2)) {
    yield retarget(program, { runs: runs.toReversed() }, (target) => ({ ...target, run: 1 }));
  }
  const [a, b, ...others] = program.actors;
  if (
    a !== undefined &&
    b !== undefined &&
    a.operations.length === 0 &&
    b.operations.length > 0 &&
    b.name === "worker B"
  ) {
    yield { ...program, actors: [{ ...a, operations: b.operations }, { ...b, operations: [] }, ...others] };
  }
}

function retarget(program: DashboardProgram, initial: Initial, rename: (target: Target) => Target): DashboardProgram {
  const actors = program.actors.map((actor) => ({
    ...actor,
    operations: actor.operations.map((call) => ({ ...call, parameters: rename(call.parameters) })),
  }));
  return { initial, actors };
}
