import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import { Footprints } from "../footprint/footprints.js";
import { judge } from "../oracle/judge.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import { Divergence } from "../strategy/follow.js";
import type { About, Scheduler, Strategy } from "../strategy/strategy.js";
import { CoverageCount } from "./coverage.js";
import { inOrder } from "./in-order.js";
import { examplesOf, programSource } from "./programs.js";
import { Queue, type Job } from "./queue.js";
import type { Coverage } from "./verdict.js";

/** How far to go. */
export interface Budget {
  /** Executions per implementation. */
  readonly executions: number;
  /** Seconds per implementation; undefined for no limit. */
  readonly seconds?: number;
  /** Whether one violation is enough. */
  readonly firstOnly?: boolean;
  /** Once all of these invariants have been broken, so many executions are enough. */
  readonly enough?: { readonly invariants: readonly string[]; readonly executions: number };
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
  /** How many executions all the orders of the programs at hand will have taken, as far as that can be told. */
  readonly estimate: number | undefined;
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

/** An exploration that fails this often is told to be hopeless before its budget is used up. */
const problemsTolerated = 5;

/**
 * Runs many executions of a model's programs over all lanes. With one seed the same executions are run and the same
 * failures are kept, whichever lane was the faster: results are taken in the order of their numbers.
 *
 * @throws {PostgresError} When Postgres goes away.
 * @throws {UsageError} When the model is wrong.
 */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { lanes, model, strategy, seed, faults, budget, signal, onProgress } = options;
  const deadline = budget.seconds === undefined ? Infinity : performance.now() + budget.seconds * 1000;
  const found = new Findings(model);
  const queue = new Queue(
    strategy,
    programSource(model, seed, faults),
    await aboutPrograms(lanes, model),
    examplesOf(model, faults).length,
  );
  const over = () =>
    signal?.aborted === true || performance.now() > deadline || found.problemCount >= problemsTolerated;
  let handed = 0;
  const next = () => {
    const job = over() || handed >= budget.executions ? undefined : queue.next();
    if (job !== undefined) handed++;
    return job;
  };
  const run = (job: Job) => lanes.run(async (lane) => (over() ? undefined : attempt(lane, job, options)));
  for await (const { job, result } of inOrder(next, run)) {
    // What was planned and not run keeps its program from being done.
    job.learn(result !== undefined && "trace" in result ? result : undefined);
    if (result === undefined) continue;
    if ("problem" in result) found.problem(result.problem);
    else found.add(job, result, judge(model, job.program, result));
    onProgress?.({ ...found.progress, estimate: queue.estimate });
    // Not the next one to come back: which others have been begun by now differs from run to run.
    if (found.problemCount >= problemsTolerated || found.isEnough(budget)) break;
  }
  return { ...found.total(queue), interrupted: signal?.aborted === true };
}

/** What strategies may know of each program. */
export async function aboutPrograms(lanes: Lanes, model: AnyModel): Promise<(program: Program) => About> {
  const catalog = await lanes.catalog();
  return ({ initial }) => ({
    // A schema that `prepare` changes is another one than the one that the catalog tells of.
    footprints: (model.prepare?.(initial) ?? "") === "" ? () => new Footprints(catalog, lanes.isolation) : undefined,
  });
}

type Attempt = Executed | { problem: string };

async function attempt(
  lane: Lane,
  { program, scheduler }: { readonly program: Program; readonly scheduler: Scheduler },
  { model, implementation }: ExploreOptions,
): Promise<Attempt> {
  const assignment: Assignment = { model, implementation, program, pool: assignedPool, record: false };
  try {
    return await execute(lane, assignment, scheduler);
  } catch (error) {
    if (error instanceof Divergence) return { problem: `uncontrolled nondeterminism: ${error.message}` };
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

  add({ number, program, strategy }: Job, executed: Executed, violations: readonly Violation[]): void {
    const { trace } = executed;
    this.#coverage.add(program, trace, strategy, executed.uncontrolled);
    if (violations.length === 0) return;
    const signature = signatureOf(violations);
    this.#seen.set(signature, (this.#seen.get(signature) ?? 0) + 1);
    const known = this.#failures.get(signature);
    if (known === undefined || trace.steps.length < known.trace.steps.length) {
      this.#failures.set(signature, { execution: number, program, trace, violations });
    }
  }

  isEnough({ enough, firstOnly }: Budget): boolean {
    if (firstOnly === true && this.#failures.size > 0) return true;
    if (enough === undefined || this.#coverage.counts.executions < enough.executions) return false;
    const broken = new Set(
      [...this.#failures.values()].flatMap(({ violations }) => violations.map((each) => each.invariant)),
    );
    return enough.invariants.every((invariant) => broken.has(invariant));
  }

  problem(message: string): void {
    this.problemCount++;
    this.#problems.set(message, (this.#problems.get(message) ?? 0) + 1);
  }

  get progress(): Omit<Progress, "estimate"> {
    const { executions, distinctSchedules } = this.#coverage.counts;
    return { executions, distinctSchedules, signatures: this.#failures.size };
  }

  total({ exhausted }: Queue) {
    return {
      coverage: { ...this.#coverage.total, exhausted },
      failures: [...this.#failures.values()],
      seen: this.#seen,
      problems: this.#problems,
    };
  }
}
