import { PostgresError, RaceproofError } from "../errors.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Lanes } from "../execution/lanes.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import { judge } from "../oracle/judge.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import { Divergence, follow, followOrder } from "../strategy/follow.js";
import type { Schedule, Switch } from "../strategy/schedule.js";
import type { Scheduler } from "../strategy/strategy.js";
import { simpler, type Candidate } from "./candidates.js";
import type { Size } from "./counterexample.js";
import { compareSizes, sizeOf } from "./size.js";

export interface ShrinkOptions {
  readonly lanes: Lanes;
  /** What to run; its program is replaced by each candidate. */
  readonly assignment: Assignment;
  /** The way of breaking (`invariant: way`) that must stay. */
  readonly target: string;
  /** How large a result may be to be of use: a larger one's schedule, the costly part, is left as it is. */
  readonly atMost?: Size | undefined;
  /** Executions that it may take; what it has by then is a valid result, if not the smallest. Default: no limit. */
  readonly budget?: number | undefined;
  /** What was executed already: shrinking several failures of one implementation goes through the same programs. */
  readonly memory?: Memory | undefined;
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
  /** How many executions it took, not counting those that were remembered. */
  readonly executions: number;
}

/** An execution as shrinking needs it: what it could have done otherwise, and what it broke. */
interface Ran {
  readonly trace: Trace;
  readonly pending: readonly (readonly Omit<Switch, "step">[])[];
  readonly violations: readonly Violation[];
}

/** What a candidate is run along. */
type Course =
  | { readonly kind: "schedule"; readonly schedule: Schedule }
  | { readonly kind: "order"; readonly order: readonly Omit<Switch, "step">[] };

/**
 * Executions by program and schedule: the same ones give the same steps, so none is run twice. And the smallest failure
 * of each signature among them: what is shrunk for one way of breaking passes others by.
 */
export class Memory {
  readonly #ran = new Map<string, Promise<Ran | undefined>>();
  readonly #failures = new Map<string, Failing>();

  get failures(): readonly Failing[] {
    return [...this.#failures.values()];
  }

  /** @returns Undefined when it could not be finished. */
  run(program: Program, course: Course, body: () => Promise<Ran | undefined>): Promise<Ran | undefined> {
    const key = JSON.stringify([program, course]);
    const known = this.#ran.get(key);
    if (known !== undefined) return known;
    const ran = body();
    this.#ran.set(key, ran);
    return ran;
  }

  /** Called in a fixed order, whichever lane was faster: one seed finds the same. */
  note({ program, trace, violations }: Failing): void {
    const signature = signatureOf(violations);
    const best = this.#failures.get(signature);
    if (best === undefined || compareSizes(sizeOf(trace), sizeOf(best.trace)) < 0)
      this.#failures.set(signature, { program, trace, violations });
  }
}

/** Schedules tried for one candidate program, beyond the one that is carried over. */
const schedulesPerCandidate = 30;
/** Executions spent on finding a schedule with fewer decisions for one program. */
const schedulesForMinimum = 600;

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
    best = await search.shrinkProgram(best);
    const { atMost } = options;
    if (atMost !== undefined && sizeOf(best.trace).operations > atMost.operations)
      return { ...best, executions: search.executions };
    best = await search.minimizeSchedule(await search.joinRuns(best));
    if (best === before || search.over) return { ...best, executions: search.executions };
  }
}

class Search {
  executions = 0;
  readonly #options: ShrinkOptions;
  readonly #memory: Memory;
  readonly #visited = new Set<string>();

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#memory = options.memory ?? new Memory();
  }

  get over(): boolean {
    return this.#options.signal?.aborted === true || this.executions >= (this.#options.budget ?? Infinity);
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
        if (this.over) return best;
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
    if (this.over) return best;
    const bound = best.trace.schedule.length;
    const candidate = { program: best.program, order: [] };
    const found = await this.#search(candidate, best, bound, schedulesForMinimum);
    if (found === undefined) return best;
    const fewer = found.trace.schedule.length - bound || compareSizes(sizeOf(found.trace), sizeOf(best.trace));
    return fewer < 0 ? found : best;
  }

  /**
   * Fewer switches, one at a time: what a session does in two runs it does in one, at the place of the earlier or of the
   * later one. Cheap where there are many switches, which no search by their number comes down to.
   */
  async joinRuns(start: Failing): Promise<Failing> {
    let best = start;
    for (let progress = true; progress && !this.over;) {
      progress = false;
      for (const order of joined(best.trace.steps)) {
        if (this.over) return best;
        const [result] = await this.#runAll(best.program, [{ kind: "order", order }], best);
        const failing = result?.failing;
        if (failing === undefined || compareSizes(sizeOf(failing.trace), sizeOf(best.trace)) >= 0) continue;
        best = failing;
        progress = true;
        break;
      }
    }
    return best;
  }

  /** Runs a candidate under the order it was carried over with, then under those with few decisions. */
  async #stillBreaks(candidate: Candidate, best: Failing): Promise<Failing | undefined> {
    const order = candidate.order.map(({ session, fault }) => ({ to: session, ...(fault && { fault }) }));
    const [carried] = await this.#runAll(candidate.program, [{ kind: "order", order }], best);
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
      const courses = runs.map((schedule): Course => ({ kind: "schedule", schedule }));
      const results = await this.#runAll(program, courses, best);
      const failing = results.flatMap(({ failing }) => (failing === undefined ? [] : [failing]));
      const smallest = failing.toSorted((a, b) => compareSizes(sizeOf(a.trace), sizeOf(b.trace)))[0];
      if (smallest !== undefined) return smallest;
      level =
        decisions === maxDecisions ? [] : results.flatMap(({ ran }) => (ran === undefined ? [] : withOneMore(ran)));
    }
    return undefined;
  }

  async #runAll(program: Program, courses: readonly Course[], best: Failing): Promise<Result[]> {
    const { lanes, signal } = this.#options;
    const results: Result[] = [];
    const jobs = courses.map((course) => (lane: Lane) => this.#run(lane, program, course));
    for await (const ran of lanes.ordered(jobs)) {
      if (ran !== undefined && ran.violations.length > 0) this.#memory.note({ program, ...ran });
      results.push({ ran, failing: this.#breaks(program, ran, best) });
      if (signal?.aborted === true) break;
    }
    return results;
  }

  /** It breaks in the targeted way, and in no way that the failure at hand does not. */
  #breaks(program: Program, ran: Ran | undefined, best: Failing): Failing | undefined {
    if (ran === undefined) return undefined;
    const { trace, violations } = ran;
    const ways = new Set(violations.map(wayOf));
    const allowed = new Set(best.violations.map(wayOf));
    const same = ways.has(this.#options.target) && [...ways].every((way) => allowed.has(way));
    return same ? { program, trace, violations } : undefined;
  }

  #run(lane: Lane, program: Program, course: Course): Promise<Ran | undefined> {
    return this.#memory.run(program, course, async () => {
      this.executions++;
      this.#options.onProgress?.(this.executions);
      const scheduler = course.kind === "order" ? followOrder(course.order) : follow(course.schedule);
      const executed = await this.#execute(lane, program, scheduler);
      if (executed === undefined) return undefined;
      const pending = executed.pending.map((choices) =>
        choices.map(({ session, fault }) => ({ to: session, ...(fault === undefined ? {} : { fault }) })),
      );
      return { trace: executed.trace, pending, violations: judge(this.#options.assignment.model, program, executed) };
    });
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
  readonly ran: Ran | undefined;
  readonly failing: Failing | undefined;
}

/** One way of breaking, as a target for shrinking. */
export function wayOf({ invariant, way }: Violation): string {
  return `${invariant}: ${way}`;
}

/** The schedules that follow an execution up to some step after its last decision, and there decide otherwise. */
function withOneMore({ trace, pending }: Ran): Schedule[] {
  const from = (trace.schedule.at(-1)?.step ?? -1) + 1;
  return trace.steps
    .slice(from)
    .flatMap(({ index, session, fault }) =>
      pending[index]!.filter((other) => other.to !== session || other.fault !== fault).map((other) => [
        ...trace.schedule,
        { step: index, ...other },
      ]),
    );
}

type Turns = readonly Omit<Switch, "step">[];

/** Orders of the same steps in which two runs of one session, with others between them, are one. */
function* joined(steps: Trace["steps"]): Generator<Turns> {
  const runs: Omit<Switch, "step">[][] = [];
  for (const { session, fault } of steps) {
    const last = runs.at(-1);
    const turn = { to: session, ...(fault === undefined ? {} : { fault }) };
    if (last?.[0]?.to === session) last.push(turn);
    else runs.push([turn]);
  }
  for (const [at, run] of runs.entries()) {
    const next = runs.findIndex((other, index) => index > at && other[0]!.to === run[0]!.to);
    if (next < 0) continue;
    const earlier = runs.toSpliced(next, 1).with(at, [...run, ...runs[next]!]);
    const later = runs.with(next, [...run, ...runs[next]!]).toSpliced(at, 1);
    yield earlier.flat();
    yield later.flat();
  }
}
