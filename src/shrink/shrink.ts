import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import type { Violation } from "../oracle/violation.js";
import type { Switch } from "../strategy/schedule.js";
import { simpler, type Candidate } from "./candidates.js";
import type { Size } from "./counterexample.js";
import type { Memory, Ran, Turns } from "./memory.js";
import { compareSizes, sizeOf } from "./size.js";

export interface ShrinkOptions {
  readonly model: AnyModel;
  /** The way of breaking (`invariant: way`) that must stay. */
  readonly target: string;
  /** How large a result may be to be of use: a larger one's schedule, the costly part, is left as it is. */
  readonly atMost?: Size | undefined;
  /** Executions that it may take; what it has by then is a valid result, if not the smallest. Default: no limit. */
  readonly budget?: number | undefined;
  /** Who runs candidates, and remembers what was run: shrinking several failures goes through the same programs. */
  readonly memory: Memory;
  readonly signal?: AbortSignal | undefined;
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

/** Schedules tried for one candidate program, beyond the one that is carried over. */
const schedulesPerCandidate = 24;
/** Executions spent on finding a schedule with fewer decisions for one program. */
const schedulesForMinimum = 200;

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
  readonly #options: ShrinkOptions;
  readonly #memory: Memory;
  readonly #before: number;
  readonly #visited = new Set<string>();

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#memory = options.memory;
    this.#before = options.memory.executions;
  }

  /** How many this search has taken, not counting those that were remembered. */
  get executions(): number {
    return this.#memory.executions - this.#before;
  }

  get over(): boolean {
    return this.#options.signal?.aborted === true || this.executions >= (this.#options.budget ?? Infinity);
  }

  /** Takes the first simpler program that still breaks, until there is none. */
  async shrinkProgram(start: Failing): Promise<Failing> {
    let best = start;
    for (let progress = true; progress;) {
      progress = false;
      for (const candidate of simpler(this.#options.model, { program: best.program, order: best.trace.steps })) {
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
   * A schedule with fewer switches, if there is one among the first orders of the program: those with the fewest decisions
   * against "keep running the current actor" come first (iterative context bounding, Musuvathi and Qadeer 2007), and of
   * those that differ only by what commutes only one.
   */
  async minimizeSchedule(best: Failing): Promise<Failing> {
    if (this.over) return best;
    const found = await this.#among(best.program, best, schedulesForMinimum, "smallest");
    return found !== undefined && compareSizes(sizeOf(found.trace), sizeOf(best.trace)) < 0 ? found : best;
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
        const failing = this.#breaks(best.program, await this.#memory.along(best.program, order), best);
        if (failing === undefined || compareSizes(sizeOf(failing.trace), sizeOf(best.trace)) >= 0) continue;
        best = failing;
        progress = true;
        break;
      }
    }
    return best;
  }

  /** Runs a candidate under the order it was carried over with, then under those with few decisions. */
  async #stillBreaks({ program, order }: Candidate, best: Failing): Promise<Failing | undefined> {
    const turns = order.map(({ session, fault }) => ({ to: session, ...(fault && { fault }) }));
    const carried = this.#breaks(program, await this.#memory.along(program, turns), best);
    return carried ?? this.#among(program, best, schedulesPerCandidate, "first");
  }

  /** The first failure among a program's orders, or the smallest of those with as few decisions. */
  async #among(
    program: Program,
    best: Failing,
    most: number,
    which: "first" | "smallest",
  ): Promise<Failing | undefined> {
    let found: Failing | undefined;
    for await (const batch of this.#memory.ordersOf(program, most)) {
      const decisions = Math.min(...batch.map((ran) => ran?.trace.schedule.length ?? Infinity));
      if (found !== undefined && decisions > found.trace.schedule.length) break;
      for (const ran of batch) {
        const failing = this.#breaks(program, ran, best);
        if (failing === undefined || (found && compareSizes(sizeOf(failing.trace), sizeOf(found.trace)) >= 0)) continue;
        found = failing;
      }
      if (this.over || (found !== undefined && which === "first")) break;
    }
    return found;
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
}

/** One way of breaking, as a target for shrinking. */
export function wayOf({ invariant, way }: Violation): string {
  return `${invariant}: ${way}`;
}

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
