import { UsageError } from "./errors.js";
import { partsOf, type AnyModel } from "./execution/model.js";
import { assignedPool } from "./execution/pool.js";
import { replay, type Replay } from "./shrink/confirm.js";
import type { Counterexample } from "./shrink/counterexample.js";
import { postgresOf } from "./check.js";
import type { PostgresServer } from "./postgres/server.js";
import { usable } from "./usable-model.js";
import { withLanes, withServer } from "./with-server.js";
import type { VerdictFile } from "./explore/verdict.js";

export interface ReplayOptions {
  /** How often. Default: once. */
  readonly times?: number;
  /** As for `check`. */
  readonly postgres?: string;
  readonly shared?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each replay. */
  readonly onReplay?: (replay: Replay, number: number) => void;
}

export interface ReplayResult {
  readonly replays: readonly Replay[];
  readonly postgres: VerdictFile["postgres"];
}

/**
 * Runs a counterexample again, and compares each step with the record.
 *
 * @throws {UsageError} When the model has no such implementation, or no longer has the operations of the program.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function replayCounterexample(
  given: AnyModel,
  counterexample: Counterexample,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const { times = 1, signal, onReplay } = options;
  const { implementation, program } = counterexample;
  const model = usable(given);
  requireFit(model, counterexample);
  const run = (server: PostgresServer) =>
    withLanes(server, model, 1, async (lanesAt) => {
      const lanes = await lanesAt(partsOf(counterexample.condition).isolation);
      const replays: Replay[] = [];
      for (let number = 0; number < times && signal?.aborted !== true; number++) {
        // The first in full, for showing.
        const assignment = { model, implementation, program, pool: assignedPool, record: number === 0 };
        const result = await replay(lanes, assignment, counterexample);
        replays.push(result);
        onReplay?.(result, number);
      }
      return { replays, postgres: postgresOf(server) };
    });
  return withServer(options.postgres, run, options.shared);
}

function requireFit(model: AnyModel, { model: recorded, implementation, program }: Counterexample): void {
  if (model.name !== recorded.name)
    throw new UsageError(`the counterexample is of model "${recorded.name}", and this is model "${model.name}"`);
  const implementations = Object.keys(model.implementations);
  if (!implementations.includes(implementation)) {
    throw new UsageError(
      `model "${model.name}" no longer has the implementation "${implementation}"; it has: ${implementations.join(", ")}`,
    );
  }
  const operations = new Set(Object.keys(model.operations));
  const missing = program.actors
    .flatMap((actor) => actor.operations)
    .find(({ operation }) => !operations.has(operation));
  if (missing !== undefined)
    throw new UsageError(
      `model "${model.name}" has no operation "${missing.operation}", which the counterexample runs; it has: ${[...operations].join(", ")}`,
    );
}
