import type { PostgresServer } from "../postgres/server.js";
import type { Strategy } from "../strategy/strategy.js";
import { Benches } from "./benches.js";
import { interleavings } from "./interleavings.js";
import { planOf } from "./plan.js";
import { searchSpec } from "./search.js";
import { runPermutation, type Bench, type Order, type PermutationRun } from "./run-permutation.js";
import type { Permutation, SpecFile } from "./spec-file.js";

export interface SpecOptions {
  /** For messages. */
  readonly name: string;
  /** `permutations` runs those that the file lists, or all when it lists none; `all` runs all in any case; another makes the decisions. */
  readonly strategy: "permutations" | "all" | Strategy;
  /** How many permutations may be under way at once, each in a database of its own, where that changes nothing. */
  readonly lanes: number;
  /** How long a step may wait before it is cancelled, in seconds; default: as isolationtester. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  /** Told behind each permutation how many a strategy will have run in the end, by what is known now. */
  readonly onEstimate?: (permutations: number | undefined) => void;
  /** Told in the end whether a strategy ran every order, but for those that differ only by steps that commute. */
  readonly onSearched?: (exhausted: boolean) => void;
}

/** More permutations than this are worth several databases. */
const few = 20;

/**
 * Runs a spec, and yields what came of each permutation, in order. It ends early after one that fails.
 *
 * Permutations run one after the other in one database, as in isolationtester, unless nothing that one leaves behind could
 * reach the next: neither by the words of the spec, nor by what the first of them was seen to leave.
 *
 * @throws {PostgresError} When Postgres goes away.
 */
export async function* runSpec(
  server: PostgresServer,
  spec: SpecFile,
  options: SpecOptions,
): AsyncGenerator<PermutationRun> {
  const { strategy } = options;
  if (typeof strategy === "object") return yield* searchSpec(server, spec, { ...options, strategy });
  const permutations =
    strategy === "all" || spec.permutations.length === 0 ? [...interleavings(spec)] : spec.permutations;
  const plan = planOf(spec);
  const mayBeApart = plan.apart && options.lanes > 1 && (!plan.alone || server.another !== undefined);
  if (mayBeApart && (await isIndependent(server, spec, permutations, options))) {
    let count = 0;
    let last: PermutationRun | undefined;
    const benches = { count: options.lanes, reset: plan.reset, alone: plan.alone };
    for await (const run of runOn(server, spec, permutations, { ...options, ...benches })) {
      yield run;
      count++;
      last = run;
      if (!run.idle) break;
    }
    if (last?.idle !== false) return;
    // It left a transaction open, which the next ones find: they have to come after it.
    let skip = 1;
    for await (const run of runOn(server, spec, permutations.slice(count - 1), { ...options, count: 1, reset: false }))
      if (skip-- <= 0) yield run;
    return;
  }
  yield* runOn(server, spec, permutations, { ...options, count: 1, reset: false });
}

interface RunOptions extends SpecOptions {
  readonly count: number;
  readonly reset: boolean;
  readonly alone?: boolean;
}

async function* runOn(
  server: PostgresServer,
  spec: SpecFile,
  orders: Iterable<Order>,
  { name, count, reset, alone, patience, signal }: RunOptions,
): AsyncGenerator<PermutationRun> {
  const benches = await Benches.open(server, spec, { name, count, reset, alone: alone === true, patience });
  const jobs = function* () {
    for (const order of orders) {
      if (signal?.aborted === true) return;
      yield (bench: Bench) => runPermutation(bench, order);
    }
  };
  try {
    for await (const run of benches.ordered(jobs())) {
      yield run;
      if (run.failure !== undefined) return;
    }
  } finally {
    await benches.close();
  }
}

/** Whether the first permutation leaves nothing behind: no open transaction, and no more in the database than it found. */
async function isIndependent(
  server: PostgresServer,
  spec: SpecFile,
  permutations: readonly Permutation[],
  { name, patience }: SpecOptions,
): Promise<boolean> {
  const [first] = permutations;
  if (first === undefined || permutations.length <= few) return false;
  const benches = await Benches.open(server, spec, { name, count: 1, reset: false, patience });
  const trial = async (bench: Bench) => {
    const before = await bench.connections.inventory();
    const { failure, complaints, idle } = await runPermutation(bench, first);
    return failure === undefined && complaints.length === 0 && idle && before === (await bench.connections.inventory());
  };
  try {
    for await (const independent of benches.ordered([trial])) return independent;
    return false;
  } finally {
    await benches.close();
  }
}
