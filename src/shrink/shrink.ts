import { PostgresError, RaceproofError } from "../errors.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Lanes } from "../execution/lanes.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import { judge } from "../oracle/judge.js";
import type { Violation } from "../oracle/violation.js";
import { Divergence, follow, followOrder } from "../strategy/follow.js";
import type { Schedule } from "../strategy/schedule.js";
import type { Scheduler } from "../strategy/strategy.js";
import { simpler, type Candidate } from "./candidates.js";
import { compareSizes, sizeOf } from "./size.js";

export interface ShrinkOptions {
  readonly lanes: Lanes;
  /** What to run; its program is replaced by each candidate. */
  readonly assignment: Assignment;
  /** The way of breaking (`invariant: way`) that must stay. */
  readonly target: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((executions: number) => void) | undefined;
}

/** A failing execution, and how it came about. */
export interface Failing {
  readonly program: Program;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

export interface Shrunk extends Failing {
  /** How many executions it took. */
  readonly executions: number;
}

/** Schedules tried for one candidate program, beyond the one that is carried over. */
const schedulesPerCandidate = 80;
/** Executions spent on finding a schedule with fewer switches for one program. */
const schedulesForMinimum = 3_000;

/**
 * Makes a failing execution as small as it gets: program and schedule in turn, until neither shrinks. A candidate counts
 * only if running it breaks in the targeted way and in no way that the failure at hand did not break in, so a shrink
 * never slides into another bug.
 */
export async function shrink(found: Failing, options: ShrinkOptions): Promise<Shrunk> {
  const search = new Search(options);
  let best = found;
  for (;;) {
    const before = best;
    best = await search.minimizeSchedule(await search.shrinkProgram(best));
    if (best === before || options.signal?.aborted === true) return { ...best, executions: search.executions };
  }
}

class Search {
  executions = 0;
  readonly #options: ShrinkOptions;
  readonly #visited = new Set<string>();

  constructor(options: ShrinkOptions) {
    this.#options = options;
  }

  /** Takes the first simpler program that still breaks, until there is none. */
  async shrinkProgram(start: Failing): Promise<Failing> {
    let best = start;
    for (let progress = true; progress;) {
      progress = false;
      for (const candidate of simpler(this.#options.assignment.model, {
        program: best.program,
        order: best.trace.steps,
      })) {
        if (this.#options.signal?.aborted === true) return best;
        const key = JSON.stringify(candidate.program);
        if (this.#visited.has(key)) continue;
        this.#visited.add(key);
        const smaller = await this.#stillBreaks(candidate, best);
        if (smaller === undefined) continue;
        best = smaller;
        progress = true;
        break;
      }
    }
    return best;
  }

  /**
   * The schedule with the fewest decisions against "keep running the current actor" that breaks, among those the one
   * with the fewest switches: all schedules with no such decision, then with one, then two (iterative context bounding,
   * Musuvathi and Qadeer 2007), so the first that breaks is one of the least.
   */
  async minimizeSchedule(best: Failing): Promise<Failing> {
    if (this.#options.signal?.aborted === true) return best;
    const bound = best.trace.schedule.length;
    const candidate = { program: best.program, order: [] };
    const found = await this.#search(candidate, best, bound, schedulesForMinimum);
    if (found === undefined) return best;
    const fewer = found.trace.schedule.length - bound || compareSizes(sizeOf(found.trace), sizeOf(best.trace));
    return fewer < 0 ? found : best;
  }

  /** Runs a candidate under the order it was carried over with, then under those with few decisions. */
  async #stillBreaks(candidate: Candidate, best: Failing): Promise<Failing | undefined> {
    const order = candidate.order.map(({ session, fault }) => ({ to: session, ...(fault && { fault }) }));
    const carried = await this.#breaks(candidate.program, () => followOrder(order), best);
    if (carried?.failing !== undefined) return carried.failing;
    return this.#search(candidate, best, Math.min(2, best.trace.schedule.length), schedulesPerCandidate);
  }

  /** Breadth first over schedules, one more decision at each level; the smallest failure of the first level that has one. */
  async #search(
    { program }: Candidate,
    best: Failing,
    maxDecisions: number,
    budget: number,
  ): Promise<Failing | undefined> {
    let level: Schedule[] = [[]];
    let left = budget;
    for (let decisions = 0; decisions <= maxDecisions && level.length > 0 && left > 0; decisions++) {
      const runs = level.slice(0, left);
      left -= runs.length;
      const results = await this.#runAll(program, runs, best);
      const failing = results.flatMap(({ failing }) => (failing === undefined ? [] : [failing]));
      const smallest = failing.toSorted((a, b) => compareSizes(sizeOf(a.trace), sizeOf(b.trace)))[0];
      if (smallest !== undefined) return smallest;
      level =
        decisions === maxDecisions
          ? []
          : results.flatMap(({ executed }) => (executed === undefined ? [] : withOneMore(executed)));
    }
    return undefined;
  }

  async #runAll(program: Program, schedules: readonly Schedule[], best: Failing): Promise<Result[]> {
    const results: Result[] = [];
    const jobs = schedules.map((schedule) => (lane: Lane) => this.#run(lane, program, follow(schedule), best));
    for await (const result of this.#options.lanes.ordered(jobs)) {
      results.push(result);
      if (this.#options.signal?.aborted === true) break;
    }
    return results;
  }

  #breaks(program: Program, scheduler: () => Scheduler, best: Failing): Promise<Result | undefined> {
    return this.#options.lanes.run((lane) => this.#run(lane, program, scheduler(), best));
  }

  async #run(lane: Lane, program: Program, scheduler: Scheduler, best: Failing): Promise<Result> {
    const { assignment, target, onProgress } = this.#options;
    this.executions++;
    onProgress?.(this.executions);
    const executed = await this.#execute(lane, program, scheduler);
    if (executed === undefined) return { executed, failing: undefined };
    const violations = judge(assignment.model, program, executed);
    const ways = new Set(violations.map(wayOf));
    const allowed = new Set(best.violations.map(wayOf));
    const breaks = ways.has(target) && [...ways].every((way) => allowed.has(way));
    return { executed, failing: breaks ? { program, trace: executed.trace, violations } : undefined };
  }

  async #execute(lane: Lane, program: Program, scheduler: Scheduler): Promise<Executed | undefined> {
    try {
      return await execute(lane, { ...this.#options.assignment, program }, scheduler);
    } catch (error) {
      // Code that decides by something uncontrolled need not follow a schedule that it made itself.
      if (error instanceof Divergence) return undefined;
      if (error instanceof RaceproofError && !(error instanceof PostgresError)) return undefined;
      throw error;
    }
  }
}

interface Result {
  /** Undefined when it could not be finished: such a candidate is not taken. */
  readonly executed: Executed | undefined;
  readonly failing: Failing | undefined;
}

/** One way of breaking, as a target for shrinking. */
export function wayOf({ invariant, way }: Violation): string {
  return `${invariant}: ${way}`;
}

/** The schedules that follow an execution up to some step after its last decision, and there decide otherwise. */
function withOneMore({ trace, pending }: Executed): Schedule[] {
  const from = (trace.schedule.at(-1)?.step ?? -1) + 1;
  return trace.steps
    .slice(from)
    .flatMap(({ index, session, fault }) =>
      pending[index]!.filter((other) => other.session !== session || other.fault !== fault).map((other) => [
        ...trace.schedule,
        { step: index, to: other.session, ...(other.fault && { fault: other.fault }) },
      ]),
    );
}
