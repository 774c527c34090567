import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import { judge } from "../oracle/judge.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import type { Strategy } from "../strategy/strategy.js";
import { CoverageCount } from "./coverage.js";
import { programSource } from "./programs.js";
import type { Coverage } from "./verdict.js";

/** How far to go. */
export interface Budget {
  /** Executions per implementation. */
  readonly executions: number;
  /** Seconds per implementation; undefined for no limit. */
  readonly seconds?: number;
}

/** A failing execution as it was found. */
export interface Failure {
  /** Number of the execution. */
  readonly execution: number;
  readonly program: Program;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

export interface Exploration {
  readonly coverage: Coverage;
  /** The smallest failure of each signature, in the order in which they were first seen. */
  readonly failures: readonly Failure[];
  /** How many executions broke in just this way, by signature. */
  readonly seen: ReadonlyMap<string, number>;
  /** What kept executions from counting, with how often. */
  readonly problems: ReadonlyMap<string, number>;
  readonly interrupted: boolean;
}

/** What shows how far an exploration is. */
export interface Progress {
  readonly executions: number;
  readonly distinctSchedules: number;
  readonly signatures: number;
}

export interface ExploreOptions {
  readonly lanes: Lanes;
  readonly model: AnyModel;
  readonly implementation: string;
  /** Whether programs may have things go wrong, as far as the model says what. */
  readonly faults: boolean;
  readonly strategy: Strategy;
  readonly seed: string;
  readonly budget: Budget;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How many schedules each generated program gets. */
const schedulesPerProgram = 10;

/** An exploration that fails this often is told to be hopeless before its budget is used up. */
const problemsTolerated = 5;

/**
 * Runs many executions of generated programs over all lanes. With one seed the same executions are run and the same
 * failures are kept, whichever lane was the faster: results are taken in the order of their numbers.
 *
 * @throws {PostgresError} When Postgres goes away.
 * @throws {UsageError} When the model is wrong.
 */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { lanes, model, implementation, budget, signal, onProgress } = options;
  const deadline = budget.seconds === undefined ? Infinity : performance.now() + budget.seconds * 1000;
  const found = new Findings(model);
  const over = () =>
    signal?.aborted === true || performance.now() > deadline || found.problemCount >= problemsTolerated;
  for await (const result of lanes.ordered(jobs(options, over))) {
    if (result === undefined) break;
    if ("problem" in result) found.problem(result.problem);
    else found.add(result, judge(model, result.program, result));
    onProgress?.(found.progress);
    // Not the next one to come back: which others have been begun by now differs from run to run.
    if (found.problemCount >= problemsTolerated) break;
  }
  return { ...found.total, interrupted: signal?.aborted === true };

  function* jobs({ strategy, seed, faults }: ExploreOptions, over: () => boolean) {
    const programAt = programSource(model, seed, faults);
    for (let execution = 0; execution < budget.executions && !over(); execution++) {
      const program = programAt(Math.floor(execution / schedulesPerProgram));
      const scheduler = strategy.scheduler(execution);
      if (scheduler === undefined) return;
      const assignment: Assignment = { model, implementation, program, pool: assignedPool, record: false };
      // Those already handed out when the end comes are not run.
      yield async (lane: Lane) =>
        over() ? undefined : attempt(execution, program, () => execute(lane, assignment, scheduler));
    }
  }
}

type Attempt = ({ execution: number; program: Program } & Executed) | { problem: string };

async function attempt(execution: number, program: Program, run: () => ReturnType<typeof execute>): Promise<Attempt> {
  try {
    return { execution, program, ...(await run()) };
  } catch (error) {
    if (error instanceof PostgresError || error instanceof UsageError || !(error instanceof RaceproofError))
      throw error;
    return { problem: error.message };
  }
}

class Findings {
  readonly #coverage: CoverageCount;
  readonly #failures = new Map<string, Failure>();
  readonly #seen = new Map<string, number>();
  readonly #problems = new Map<string, number>();
  problemCount = 0;

  constructor(model: AnyModel) {
    this.#coverage = new CoverageCount(model);
  }

  add(
    { execution, program, trace }: { execution: number; program: Program; trace: Trace },
    violations: readonly Violation[],
  ): void {
    this.#coverage.add(program, trace);
    if (violations.length === 0) return;
    const signature = signatureOf(violations);
    this.#seen.set(signature, (this.#seen.get(signature) ?? 0) + 1);
    const known = this.#failures.get(signature);
    if (known === undefined || trace.steps.length < known.trace.steps.length) {
      this.#failures.set(signature, { execution, program, trace, violations });
    }
  }

  problem(message: string): void {
    this.problemCount++;
    this.#problems.set(message, (this.#problems.get(message) ?? 0) + 1);
  }

  get progress(): Progress {
    const { executions, distinctSchedules } = this.#coverage.counts;
    return { executions, distinctSchedules, signatures: this.#failures.size };
  }

  get total() {
    return {
      coverage: this.#coverage.total,
      failures: [...this.#failures.values()],
      seen: this.#seen,
      problems: this.#problems,
    };
  }
}
