import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { execute, type Assignment } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Program } from "../execution/program.js";
import { Footprints } from "../footprint/footprints.js";
import { judge } from "../oracle/judge.js";
import { wayOf } from "../oracle/violation.js";
import { Divergence } from "../strategy/follow.js";
import { exhaustive } from "../strategy/exhaustive.js";
import { metered, type MeteredScheduler } from "../strategy/metrics.js";
import { repeatable, type RepeatableScheduler } from "../strategy/repeat.js";
import type { About, Scheduler, Strategy } from "../strategy/strategy.js";
import { exhaustivePart } from "../strategy/subtrees.js";
import { accountOf, together } from "./coverage.js";
import { Findings, joined, type Failure, type Result, type Whole } from "./findings.js";
import { inOrder } from "./in-order.js";
import { examplesOf, ProgramList, programSource } from "./programs.js";
import { Queue, type Job } from "./queue.js";
import { differsWhenRunTwice, isSampled } from "./twice.js";
import { divide, type Division, type Shard, type Strand } from "./strands.js";
import type { Coverage } from "./verdict.js";

/** How far to go. */
export interface Budget {
  /** Executions, Infinity for no limit. */
  readonly executions: number;
  /** Undefined for no limit. */
  readonly seconds?: number;
  /** Whether one violation is enough. Which one differs from run to run. */
  readonly firstOnly?: boolean;
  /** Once all of these invariants have been broken, so many executions are enough. How many there will be differs from run to run. */
  readonly enough?: { readonly invariants: readonly string[]; readonly executions: number };
}

export type { Failure };

export interface Exploration extends Whole<Failure> {
  readonly coverage: Coverage;
  readonly interrupted: boolean;
  /** Whether its time was over before its executions were. */
  readonly timedOut: boolean;
  /** Where each shard has a part of every program's orders: how many programs. */
  readonly split: number | undefined;
}

/** What shows how far an exploration is. */
export interface Progress {
  readonly executions: number;
  readonly distinctSchedules: number;
  readonly signatures: number;
  /**
   * How many executions all the orders of the programs at hand will have taken, as far as that can be told;
   * undefined where they are not all to be run.
   */
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
  /** To explore instead of the model's own. */
  readonly programs?: readonly Program[];
  /** Which part of it is to be explored here; default: all. */
  readonly shard?: Shard | undefined;
  /** Number of the exploration among others: where dealing out its strands to shards begins. */
  readonly offset?: number | undefined;
  /** What was learnt in a run before, and where to write down what is learnt now. */
  readonly journal?: Journal | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * What an exploration has learnt, so that another run can go on where it was. As every strand depends on nothing but what
 * it has learnt, in order, to be told the same again is as good as to run it.
 */
export interface Journal {
  /** What came of a strand's next execution; undefined once it is not known. */
  recall(strand: number, job: Job): Result | undefined;
  /**
   * Told of each result that was learnt and was not recalled.
   *
   * @param isKept Whether its trace will be needed.
   */
  note(strand: number, result: Result, isKept: boolean): void;
}

/** Executions that may fail to come to an end before an exploration is told to be hopeless. */
const problemsTolerated = 5;

/**
 * Runs many executions of a model's programs over all lanes. With one seed the same executions are run and the same
 * failures are kept, whichever lane was the faster: no strand depends on another, and in each of them results are taken in
 * the order in which executions were handed out.
 *
 * @throws {PostgresError} When Postgres goes away.
 * @throws {UsageError} When the model is wrong.
 */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { lanes, model, seed, faults, budget, shard, offset, signal } = options;
  const first = options.programs ?? examplesOf(model, faults);
  const source = options.programs === undefined ? programSource(model, seed, faults) : roundAndRound(options.programs);
  const division = divide(
    new ProgramList(source),
    first.length,
    budget.executions,
    options.strategy.name === exhaustive.name,
    shard,
    offset,
  );
  const { isSplit, count } = division;
  // Where there are fewer programs than shards, each gets a part of the orders of every program.
  const strategy = isSplit && shard !== undefined ? exhaustivePart(shard.number - 1, shard.of) : options.strategy;
  const about = await aboutPrograms(lanes, model);
  const deadline = budget.seconds === undefined ? Infinity : performance.now() + budget.seconds * 1000;
  const exploring = new Exploring({ ...options, strategy }, division, about, deadline);
  await exploring.run();
  const interrupted = signal?.aborted === true;
  return { ...exploring.total(), interrupted, timedOut: exploring.timedOut, split: isSplit ? count : undefined };
}

function roundAndRound(programs: readonly Program[]): (number: number) => Program {
  return (number) => programs[number % programs.length]!;
}

/** A strand that is being explored. */
interface Active {
  readonly strand: Strand;
  readonly queue: Queue;
  readonly findings: Findings;
  handed: number;
  isHopeless: boolean;
}

class Exploring {
  readonly #options: ExploreOptions;
  readonly #all: readonly Active[];
  readonly #count: number;
  readonly #window: number;
  readonly #deadline: number;
  /** Ways of breaking of which an execution has been run twice. */
  readonly #runTwice = new Set<string>();
  #isEnough = false;
  #hasFailed = false;
  timedOut = false;

  constructor(
    options: ExploreOptions,
    { count, window, strands }: Division,
    about: (program: Program) => About,
    deadline: number,
  ) {
    this.#options = options;
    this.#count = count;
    this.#window = window;
    this.#deadline = deadline;
    this.#all = strands.map((strand) => ({
      strand,
      queue: new Queue(options.strategy, strand.nextProgram, about),
      findings: new Findings(options.model),
      handed: 0,
      isHopeless: false,
    }));
  }

  /** Runs all strands to their ends, side by side. */
  async run(): Promise<void> {
    const ends = await Promise.allSettled(
      this.#all.map((active) =>
        this.#explore(active).catch((error: unknown) => {
          this.#hasFailed = true;
          throw error;
        }),
      ),
    );
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  total(): Omit<Exploration, "interrupted" | "timedOut" | "split"> {
    const coverage = together(this.#all.map(({ findings, queue }) => findings.coverage(queue.exhausted)));
    const parts = this.#all.map(({ findings }) => findings.part);
    return { coverage, ...joined(parts, ({ trace }) => trace.steps.length) };
  }

  async #explore(active: Active): Promise<void> {
    const { strand, queue, findings } = active;
    const { journal, onProgress } = this.#options;
    const next = () => {
      const job = active.handed >= strand.executions * queue.share || this.#isOver(active) ? undefined : queue.next();
      if (job?.isScout === false) active.handed++;
      return job;
    };
    const recalled = new Set<Result>();
    let begun = 0;
    const run = async (job: Job) => {
      const isOfSample = isSampled(strand.index, begun++, this.#options.budget.executions);
      const known = journal?.recall(strand.index, job);
      if (known !== undefined) recalled.add(known);
      return known ?? this.#attempt(active, job, isOfSample);
    };
    let learnt = 0;
    for await (const { job, result } of inOrder(next, run, this.#window)) {
      // What was planned and not run keeps its program from being done.
      job.learn(result !== undefined && "observed" in result ? result.observed : undefined);
      if (result === undefined) continue;
      if ((job.isScout || job.isCovered) && "observed" in result) {
        if (!recalled.delete(result)) journal?.note(strand.index, result, false);
        continue;
      }
      // Numbers are dealt out as programs are, and differ between strands.
      const number = learnt++ * this.#count + strand.index;
      const isKept =
        "problem" in result ? findings.problem(number, result.problem) : findings.add(number, job.program, result);
      if (!recalled.delete(result)) journal?.note(strand.index, result, isKept);
      onProgress?.(this.#progress());
      this.#isEnough ||= this.#hasEnough();
      // Not the next one to come back: which others have been begun by now differs from run to run.
      active.isHopeless = findings.problemCount >= Math.ceil(problemsTolerated / this.#count);
      if (active.isHopeless) break;
    }
  }

  /** Runs an execution, and those that break in a new way, and a sample of all, twice. */
  async #attempt(active: Active, job: Job, isOfSample: boolean): Promise<Result | undefined> {
    const { lanes } = this.#options;
    const scheduler = decorated(job.scheduler);
    const result = await lanes.run(async (lane) =>
      this.#isOver(active) ? undefined : attempt(lane, job, scheduler, this.#options),
    );
    if (result === undefined || "problem" in result) return result;
    const unseen = result.violations.map(wayOf).filter((way) => !this.#runTwice.has(way));
    if (unseen.length === 0 && !isOfSample) return result;
    for (const way of unseen) this.#runTwice.add(way);
    const problem = await differsWhenRunTwice(lanes, assignmentOf(job, this.#options), scheduler, result.trace!);
    return problem === undefined ? result : { problem };
  }

  #isOver({ isHopeless }: Active): boolean {
    const late = performance.now() > this.#deadline;
    if (late) this.timedOut = true;
    return late || isHopeless || this.#isEnough || this.#hasFailed || this.#options.signal?.aborted === true;
  }

  #hasEnough(): boolean {
    const { enough, firstOnly } = this.#options.budget;
    if (firstOnly === true && this.#progress().signatures > 0) return true;
    if (enough === undefined || this.#progress().executions < enough.executions) return false;
    const broken = new Set(this.#all.flatMap(({ findings }) => findings.invariants));
    return enough.invariants.every((invariant) => broken.has(invariant));
  }

  #progress(): Progress {
    const counts = this.#all.map(({ findings }) => findings.counts);
    // Others begin with the orders of a program, and leave off where there are many.
    const runsAll = this.#options.strategy.name === exhaustive.name;
    const estimates = this.#all.map(({ queue }) => queue.estimate);
    return {
      executions: sum(counts.map(({ executions }) => executions)),
      distinctSchedules: sum(counts.map(({ distinctSchedules }) => distinctSchedules)),
      signatures: new Set(this.#all.flatMap(({ findings }) => [...findings.signatures])).size,
      estimate: !runsAll || estimates.includes(undefined) ? undefined : sum(estimates as number[]),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}

/** What strategies may know of each program. */
export async function aboutPrograms(lanes: Lanes, model: AnyModel): Promise<(program: Program) => About> {
  const catalog = await lanes.catalog();
  return ({ initial }) => ({
    // A schema that `prepare` changes is another one than the one that the catalog tells of.
    footprints: (model.prepare?.(initial) ?? "") === "" ? () => new Footprints(catalog, lanes.isolation) : undefined,
  });
}

type Decorated = MeteredScheduler & RepeatableScheduler;

/** What a strategy hands out, with what an exploration wants to know of it: how it scheduled, and whether it can be repeated. */
function decorated(scheduler: Scheduler): Decorated {
  const meter = metered(scheduler);
  return {
    ...repeatable(meter),
    get metrics() {
      return meter.metrics;
    },
  };
}

async function attempt(lane: Lane, job: Job, scheduler: Decorated, options: ExploreOptions): Promise<Result> {
  const { program, strategy } = job;
  try {
    const executed = await execute(lane, assignmentOf(job, options), scheduler);
    const { trace } = executed;
    const violations = judge(options.model, program, executed);
    return {
      observed: executed,
      account: accountOf(program, trace, strategy, scheduler.metrics, executed.uncontrolled),
      violations,
      trace,
    };
  } catch (error) {
    if (error instanceof Divergence)
      return { problem: `uncontrolled nondeterminism: another way at step ${error.step + 1}: ${error.message}` };
    if (error instanceof PostgresError || error instanceof UsageError || !(error instanceof RaceproofError))
      throw error;
    return { problem: error.message };
  }
}

function assignmentOf({ program }: Job, { model, implementation }: ExploreOptions): Assignment {
  return { model, implementation, program, pool: assignedPool, record: false };
}
