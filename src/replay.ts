import { UsageError } from "./errors.js";
import { firstDifference } from "./execution/compare.js";
import type { Lanes } from "./execution/lanes.js";
import { partsOf, type AnyModel } from "./execution/model.js";
import { assignedPool } from "./execution/pool.js";
import type { Assignment, Pause } from "./execution/execution.js";
import { replay, run, sameWay, type Replay } from "./shrink/confirm.js";
import type { Counterexample } from "./shrink/counterexample.js";
import { guidedBy, type Guided } from "./strategy/guided-replay.js";
import { postgresOf } from "./check/tell.js";
import type { PostgresServer } from "./postgres/server.js";
import { usable } from "./usable-model.js";
import { withLanes, withServer } from "./with-server.js";
import type { VerdictFile } from "./explore/verdict.js";

/** How often a counterexample is replayed, where, and who looks on. */
export interface ReplayOptions {
  /** How often. Default: once. */
  readonly times?: number;
  /** As for `check`. */
  readonly postgres?: string;
  readonly shared?: boolean;
  /** Whether to follow the record as far as it makes sense where the code has changed. */
  readonly guided?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each replay. */
  readonly onReplay?: (replay: Replay, number: number) => void;
  /** Called at each moment of the first replay; it goes on once that has resolved. What it throws ends the replay. */
  readonly pause?: Pause;
}

/** Why a replay went another way, as far as that can be told. */
export type Cause = "code changed" | "another Postgres" | "data changed" | "uncontrolled input";

/** What replaying a counterexample came to. */
export interface ReplayResult {
  readonly replays: readonly Replay[];
  /** Of the first replay that diverged. */
  readonly cause: Cause | undefined;
  /** Where it was asked for, and the replay diverged. */
  readonly guided: GuidedReplay | undefined;
  readonly postgres: VerdictFile["postgres"];
}

/** How following the record as far as it made sense went. */
export interface GuidedReplay extends Guided {
  /** Whether the changed code still breaks in the same way, in another, or not at all. */
  readonly kind: "reproduced" | "changed" | "fixed";
  readonly trace: Replay["trace"];
  readonly violations: Replay["violations"];
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
  const { times = 1, signal, onReplay, pause } = options;
  const { implementation, program } = counterexample;
  const model = usable(given);
  requireFit(model, counterexample);
  const assign = (record: boolean) => ({ model, implementation, program, pool: assignedPool, record });
  const run = (server: PostgresServer) =>
    withLanes(server, model, 1, async (lanesAt) => {
      const lanes = await lanesAt(partsOf(counterexample.condition).isolation);
      const replays: Replay[] = [];
      for (let number = 0; number < times && signal?.aborted !== true; number++) {
        // The first in full, for showing.
        const first = { ...assign(true), ...(pause === undefined ? {} : { pause }) };
        const result = await replay(lanes, number === 0 ? first : assign(false), counterexample);
        replays.push(result);
        onReplay?.(result, number);
      }
      const postgres = postgresOf(server);
      const diverged = replays.find(({ kind }) => kind === "diverged");
      const cause =
        diverged &&
        (await causeOf(diverged, counterexample, postgres, () => replay(lanes, assign(false), counterexample)));
      const guided = diverged && options.guided ? await guide(lanes, assign(true), counterexample) : undefined;
      return { replays, cause, guided, postgres };
    });
  return withServer(options.postgres, run, options.shared);
}

/** What is different from run to run is not controlled; else the most likely, by what differs. */
async function causeOf(
  { difference, trace }: Replay,
  { environment }: Counterexample,
  { version }: VerdictFile["postgres"],
  again: () => Promise<Replay>,
): Promise<Cause> {
  if (firstDifference(trace, (await again()).trace) !== undefined) return "uncontrolled input";
  const sameSteps = ["what comes back", "the rows", "the wait"].includes(difference!.what);
  if (!sameSteps) return "code changed";
  return majorOf(version) === majorOf(environment.postgres.version) ? "data changed" : "another Postgres";
}

function majorOf(version: string): string | undefined {
  return /\d+/.exec(version)?.[0];
}

async function guide(lanes: Lanes, assignment: Assignment, counterexample: Counterexample): Promise<GuidedReplay> {
  const guided = guidedBy(counterexample.trace.steps);
  const ended = await run(lanes, assignment, guided.scheduler);
  const kind = sameWay(ended, counterexample) ? "reproduced" : ended.violations.length === 0 ? "fixed" : "changed";
  return { ...ended, kind, ...guided.guided() };
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
