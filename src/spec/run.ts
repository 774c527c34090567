import type { Lane } from "../execution/lane.js";
import { Lanes } from "../execution/lanes.js";
import type { PostgresServer } from "../postgres/server.js";
import { SpecConnections } from "./connections.js";
import { interleavings } from "./interleavings.js";
import { secondsOfPatience } from "./patience.js";
import { modelOf, type Runners } from "./program.js";
import { runPermutation, type Bench, type PermutationRun } from "./run-permutation.js";
import type { Permutation, SpecFile } from "./spec-file.js";

export interface SpecOptions {
  /** For messages. */
  readonly name: string;
  /** `permutations` runs those that the file lists, or all when it lists none; `all` runs all in any case. */
  readonly strategy: "permutations" | "all";
  /** How many permutations may be under way at once, each in a database of its own. */
  readonly lanes: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a spec, and yields what came of each permutation, in order.
 *
 * @throws {UsageError} When a setup fails.
 * @throws {PostgresError} When Postgres goes away.
 */
export async function* runSpec(
  server: PostgresServer,
  spec: SpecFile,
  { name, strategy, lanes: count, signal }: SpecOptions,
): AsyncGenerator<PermutationRun> {
  const runners: Runners = new WeakMap();
  const model = modelOf(name, spec, runners);
  const lanes = await Lanes.open(server, model, count, "read committed", true);
  const benches = new Map<Lane, Promise<Bench>>();
  const open = async (lane: Lane): Promise<Bench> => {
    const connections = await SpecConnections.open(lane, spec);
    const timeouts = mentionTimeouts(spec) || (await connections.haveTimeouts());
    const patience = { seconds: secondsOfPatience(server.version), timeouts };
    return { lane, connections, spec, model, runners, patience };
  };
  const permutations = strategy === "all" || spec.permutations.length === 0 ? interleavings(spec) : spec.permutations;
  const jobs = function* () {
    for (const permutation of permutations) {
      if (signal?.aborted === true) return;
      yield (lane: Lane) => run(lane, permutation);
    }
  };
  const run = async (lane: Lane, permutation: Permutation) => {
    const bench = benches.get(lane) ?? open(lane);
    benches.set(lane, bench);
    return runPermutation(await bench, permutation);
  };
  try {
    for await (const run of lanes.ordered(jobs())) {
      yield run;
      if (run.failure !== undefined) return;
    }
  } finally {
    for (const bench of benches.values())
      await bench.then(
        ({ connections }) => connections.close(),
        () => undefined,
      );
    await lanes.close();
  }
}

/** Whether anything in the SQL may set a timeout that ends a lock wait. */
function mentionTimeouts({ setups, sessions }: SpecFile): boolean {
  const texts = sessions.flatMap(({ setup, steps }) => [setup ?? "", ...steps.map(({ sql }) => sql)]);
  return [...setups, ...texts].some((sql) => /(?<!deadlock_)timeout/i.test(sql));
}
