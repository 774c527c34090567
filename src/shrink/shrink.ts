import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import { alike } from "./alike.js";
import { simpler, turnsOf, type Candidate } from "./candidates.js";
import type { Memory, Ran, Turns } from "./memory.js";
import { examine, type Minimality } from "./minimality.js";
import { joined } from "./orders.js";
import { compareFailures, waysOf, type Failing } from "./rank.js";
import { compareSizes, sizeOf, type Size } from "./size.js";

export interface ShrinkOptions {
  readonly model: AnyModel;
  /** The way of breaking (`invariant: way`) that must stay. */
  readonly target: string;
  /** How large a result may be to be of use: a larger one's schedule, the costly part, is left as it is. */
  readonly atMost?: Size | undefined;
  /** Executions that it may take; what it has by then is a valid result, if not the smallest. Default: no limit. */
  readonly budget?: number | undefined;
  /** Of programs with more orders than this it is not proved that nothing smaller breaks. Default: 64. */
  readonly mostOrders?: number | undefined;
  /** Whether it is the smallest form of another implementation's, so that only little below it is looked at. Default: no. */
  readonly isAsElsewhere?: boolean | undefined;
  /** Who runs candidates, and remembers what was run: shrinking several failures goes through the same programs. */
  readonly memory: Memory;
  readonly signal?: AbortSignal | undefined;
}

export interface Shrunk extends Failing {
  /** How many executions it took, not counting those that were remembered. */
  readonly executions: number;
}

/** How sure it is that there is nothing smaller. */
export interface Minimal {
  readonly minimality: Minimality;
}

/** Schedules tried for one candidate program, beyond the one that is carried over. */
const schedulesPerCandidate = 24;
/** The same below what is known to be the smallest for another implementation. */
const schedulesForKnown = 2;
/** Executions spent on finding a schedule with fewer decisions for one program. */
const schedulesForMinimum = 48;
/** Orders of one program that may be run to prove that nothing smaller breaks. */
const ordersForProof = 64;
/** Candidates that are run together. A number of its own, so that what is found does not depend on the lanes. */
const atOnce = 4;
/** Normal forms that are run to find the first of them. */
const formsTried = 8;

/**
 * Makes a failing execution as small as it gets, and gives it the form that all of its kind have: operations, actors,
 * parameters, initial state, faults and schedule in turn, until nothing changes any more. A candidate counts only if
 * running it breaks in the targeted way and in no way that the failure at hand did not break in, so a shrink never slides
 * into another bug.
 */
export async function shrink(found: Failing, options: ShrinkOptions): Promise<Shrunk> {
  const search = new Search(options);
  let best = found;
  for (;;) {
    const before = best;
    best = await search.withoutNoise(best);
    best = await search.renamed(best);
    best = await search.simplified(best);
    if (isOfNoUse(best, options)) break;
    best = await search.leastOrder(await search.joinRuns(best));
    if (best === before || search.over) break;
  }
  return { ...best, executions: search.executions };
}

/**
 * Looks whether anything that remains could still go, and goes on from there if so.
 *
 * @param shrunk What {@link shrink} came to.
 */
export async function shrinkToMinimum(shrunk: Shrunk, options: ShrinkOptions): Promise<Shrunk & Minimal> {
  const search = new Search(options);
  let best = shrunk;
  const spent = () => shrunk.executions + search.executions;
  while (!search.over) {
    const { smaller, minimality } = await search.examined(best);
    if (smaller === undefined) return { ...best, executions: spent(), minimality };
    best = await shrink(smaller, { ...options, budget: (options.budget ?? Infinity) - search.executions });
  }
  return { ...best, executions: spent(), minimality: { kind: "cut off", runs: 0 } };
}

function isOfNoUse({ trace }: Failing, { atMost }: ShrinkOptions): boolean {
  return atMost !== undefined && sizeOf(trace).operations > atMost.operations;
}

class Search {
  readonly #options: ShrinkOptions;
  readonly #memory: Memory;
  readonly #before: number;
  /** Programs that were tried under the order that they came with, and those that were tried under others. */
  readonly #tried = { once: new Set<string>(), often: new Set<string>() };

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

  /**
   * Takes the first simpler program that still breaks under the order that is left of the failure's own, until there is
   * none: most of what does not matter goes by one execution each.
   */
  async withoutNoise(start: Failing): Promise<Failing> {
    return this.#descend(start, (best) =>
      this.#first(this.#untried(simpler(this.#options.model, candidateOf(best)), "once"), (candidate) =>
        this.#carriedOver(candidate, best),
      ),
    );
  }

  /** The same, with each candidate under the first of its orders, too: those with the fewest decisions come first. */
  async simplified(start: Failing): Promise<Failing> {
    return this.#descend(start, async (best) => {
      for (const candidate of this.#untried(simpler(this.#options.model, candidateOf(best)), "often")) {
        if (this.over) return undefined;
        const smaller =
          (await this.#carriedOver(candidate, best)) ?? (await this.#underOthers(candidate.program, best));
        if (smaller !== undefined) return smaller;
      }
      return undefined;
    });
  }

  /** Takes the first program that is the same by simpler names, until there is none. */
  async renamed(start: Failing): Promise<Failing> {
    return this.#descend(start, (best) =>
      this.#first(alike(this.#options.model, candidateOf(best)), async (candidate) => {
        const failing = await this.#carriedOver(candidate, best);
        return failing !== undefined && this.#compare(failing, best) < 0 ? failing : undefined;
      }),
    );
  }

  /**
   * Fewer switches, one at a time: what a session does in two runs it does in one, at the place of the earlier or of the
   * later one. Cheap where there are many switches, which no search by their number comes down to.
   */
  async joinRuns(start: Failing): Promise<Failing> {
    return this.#descend(start, (best) =>
      this.#first(joined(best.trace.steps), async (order) => {
        const failing = this.#breaks(best.program, await this.#memory.along(best.program, order), best);
        return failing !== undefined && compareSizes(sizeOf(failing.trace), sizeOf(best.trace)) < 0
          ? failing
          : undefined;
      }),
    );
  }

  /**
   * The first in rank among the first orders of the program, each in its normal form: those with the fewest decisions
   * against "keep running the current actor" come first (iterative context bounding, Musuvathi and Qadeer 2007), and of
   * those that differ only by what commutes only one.
   */
  async leastOrder(best: Failing): Promise<Failing> {
    if (this.over) return best;
    const { program } = best;
    let least = best;
    const forms = new Map<string, Form>();
    for await (const batch of this.#memory.ordersOf(program, schedulesForMinimum)) {
      if (batch.every((ran) => ran === undefined || decisionsOf(ran) > decisionsOf(least))) break;
      for (const ran of batch) {
        const failing = this.#breaks(program, ran, best);
        if (failing === undefined) continue;
        if (this.#compare(failing, least) < 0) least = failing;
        const form = formOf(ran!);
        if (form !== undefined) forms.set(JSON.stringify(form.turns), form);
      }
      if (this.over) break;
    }
    const all = [...forms.values()].toSorted((a, b) => compareSizes(a.size, b.size));
    const smallest = all.filter(({ size }) => compareSizes(size, all[0]!.size) === 0).slice(0, formsTried);
    for (const { turns } of smallest) {
      const failing = this.#breaks(program, await this.#memory.along(program, turns), best);
      if (failing !== undefined && this.#compare(failing, least) < 0) least = failing;
    }
    return least;
  }

  /** Whether something that is smaller by one thing still breaks, or anything that is smaller at all. */
  examined(best: Failing) {
    return examine(best, {
      model: this.#options.model,
      memory: this.#memory,
      breaks: (program, ran) => this.#breaks(program, ran, best),
      ...(this.#options.isAsElsewhere === true
        ? { ordersPerCandidate: schedulesForKnown, mostOrders: 0 }
        : { ordersPerCandidate: schedulesPerCandidate, mostOrders: this.#options.mostOrders ?? ordersForProof }),
      signal: this.#options.signal,
    });
  }

  async #descend(start: Failing, next: (best: Failing) => Promise<Failing | undefined>): Promise<Failing> {
    for (let best = start; ;) {
      const better = this.over ? undefined : await next(best);
      if (better === undefined) return best;
      best = better;
    }
  }

  /** The first of several that comes to something; a few are run at once. */
  async #first<T>(all: Iterable<T>, run: (one: T) => Promise<Failing | undefined>): Promise<Failing | undefined> {
    let few: T[] = [];
    const runFew = async () => (await Promise.all(few.splice(0).map(run))).find((failing) => failing !== undefined);
    for (const one of all) {
      if (this.over) return undefined;
      few.push(one);
      if (few.length < atOnce) continue;
      const found = await runFew();
      if (found !== undefined) return found;
    }
    return runFew();
  }

  *#untried(candidates: Iterable<Candidate>, how: "once" | "often"): Generator<Candidate> {
    const tried = this.#tried[how];
    for (const candidate of candidates) {
      const key = JSON.stringify(candidate.program);
      if (tried.has(key)) continue;
      tried.add(key);
      yield candidate;
    }
  }

  async #carriedOver({ program, order }: Candidate, best: Failing): Promise<Failing | undefined> {
    return this.#breaks(program, await this.#memory.along(program, turnsOf(order)), best);
  }

  async #underOthers(program: Program, best: Failing): Promise<Failing | undefined> {
    for await (const batch of this.#memory.ordersOf(program, schedulesPerCandidate)) {
      for (const ran of batch) {
        const failing = this.#breaks(program, ran, best);
        if (failing !== undefined) return failing;
      }
      if (this.over) return undefined;
    }
    return undefined;
  }

  #compare(a: Failing, b: Failing): number {
    return compareFailures(this.#options.model, a, b);
  }

  /** It breaks in the targeted way, and in no way that the failure at hand does not. */
  #breaks(program: Program, ran: Ran | undefined, best: Failing): Failing | undefined {
    if (ran === undefined) return undefined;
    const { trace, violations } = ran;
    const ways = waysOf(ran);
    const allowed = waysOf(best);
    const same = ways.has(this.#options.target) && [...ways].every((way) => allowed.has(way));
    return same ? { program, trace, violations } : undefined;
  }
}

/** What an execution stands for, and how large that is. */
interface Form {
  readonly turns: Turns;
  readonly size: Size;
}

function formOf(ran: Ran): Form | undefined {
  const form = ran.normalForm();
  if (form === undefined) return undefined;
  const { turns, preemptions, switches } = form;
  return { turns, size: { ...sizeOf(ran.trace), preemptions, switches } };
}

/** What orders are gone through by. */
function decisionsOf({ trace }: Pick<Ran, "trace">): number {
  const { faults, preemptions } = sizeOf(trace);
  return faults + preemptions;
}

function candidateOf({ program, trace }: Failing): Candidate {
  return { program, order: trace.steps };
}
