import type { Program } from "../execution/program.js";
import { lengths } from "../strategy/sampling.js";
import type { Scouting } from "../strategy/subtrees.js";
import type { About, Observed, Scheduler, Search, Strategy } from "../strategy/strategy.js";
import type { Coverage } from "./verdict.js";

/** How many sampled schedules each program gets before it is the next one's turn. */
const samplesInTurn = 10;

/** Programs that are kept for another turn, at most: what has been learnt of each takes memory. */
const mostKept = 256;

/** An execution to run. */
export interface Job {
  readonly program: Program;
  readonly scheduler: Scheduler;
  /** Whose scheduler it is. */
  readonly strategy: string;
  /** Whether it only looks where there is something to run, and counts nowhere. */
  readonly isScout: boolean;
  /** Whether it turned out, once it was run, to be what another part of the search runs: it counts there. */
  readonly isCovered: boolean;
  /** To be called for each job, in the order in which they were handed out. */
  learn(observed: Observed | undefined): void;
}

/** A program that is being explored. */
interface Active {
  readonly program: Program;
  readonly search: Search;
  /** Executions that sample, of those handed out in this turn, and executions in this turn. */
  sampled: number;
  turn: number;
  executions: number;
  /** Executions that were handed out and not learnt of. */
  underway: number;
  /** How many orders it has, by the multinomial of the first execution's steps: as if nothing ever had to wait. */
  orders: number;
}

/** Which executions come next: one program after the other, each searched by the strategy until that has enough. */
export class Queue {
  readonly #strategy: Strategy;
  readonly #nextProgram: () => { readonly program: Program; readonly name: string } | undefined;
  readonly #about: (program: Program) => About;
  #active: Active | undefined;
  /** Those whose orders have not all been run: once there are no new programs it is their turn again. */
  readonly #kept: Active[] = [];
  #exhausted: Coverage["exhausted"] = { programs: 0, executions: 0, orders: 0 };

  /** @param nextProgram Programs, each with a name of its own; undefined where there are no more. */
  constructor(
    strategy: Strategy,
    nextProgram: () => { readonly program: Program; readonly name: string } | undefined,
    about: (program: Program) => About,
  ) {
    this.#strategy = strategy;
    this.#nextProgram = nextProgram;
    this.#about = about;
  }

  /** Of the programs whose orders have all been run. */
  get exhausted(): Coverage["exhausted"] {
    return this.#exhausted;
  }

  /** Of the executions for the program at hand, the part that is for this search of it. */
  get share(): number {
    const search = this.#active?.search;
    return search !== undefined && isScouting(search) ? search.share : 1;
  }

  /** How many executions the programs so far will have taken; undefined where the one at hand is sampled. */
  get estimate(): number | undefined {
    if (this.#active === undefined) return this.#exhausted.executions;
    const { estimate } = this.#active.search;
    return estimate === undefined ? undefined : this.#exhausted.executions + estimate;
  }

  /** The next execution; undefined when there is none, at least until one that is under way has been learnt of. */
  next(): Job | undefined {
    for (;;) {
      const active = (this.#active ??= this.#begin());
      if (active === undefined) return undefined;
      const job = this.#nextOf(active);
      if (job !== undefined || active.underway > 0) return job;
      this.#active = undefined;
      // What had nothing to run in its turn never will.
      if (active.turn > 0 && this.#kept.length < mostKept) this.#kept.push(active);
    }
  }

  #learn(active: Active, observed: Observed | undefined, counts: () => boolean): void {
    const { search } = active;
    active.underway--;
    search.learn(observed);
    if (counts()) active.executions++;
    if (active.orders === 0 && observed !== undefined) active.orders = ordersOf(observed);
    if (!search.exhausted) return;
    this.#active = undefined;
    const { programs, executions, orders } = this.#exhausted;
    this.#exhausted = {
      programs: programs + 1,
      executions: executions + active.executions,
      orders: orders + active.orders,
    };
  }

  #begin(): Active | undefined {
    const next = this.#nextProgram();
    if (next !== undefined) {
      const { program, name } = next;
      const search = this.#strategy.search(name, this.#about(program));
      return { program, search, sampled: 0, turn: 0, executions: 0, underway: 0, orders: 0 };
    }
    const again = this.#kept.shift();
    if (again !== undefined) again.sampled = again.turn = 0;
    return again;
  }

  #nextOf(active: Active): Job | undefined {
    const { program, search } = active;
    if (active.sampled >= samplesInTurn) return undefined;
    const scheduler = search.next();
    if (scheduler === undefined) return undefined;
    const isScout = isScouting(search) && search.isScouting;
    if (search.estimate === undefined) active.sampled++;
    active.turn++;
    active.underway++;
    const strategy = "using" in search ? String(search.using) : this.#strategy.name;
    const isCovered = () => isScouting(search) && "blockedAt" in scheduler && scheduler.blockedAt !== undefined;
    const counts = () => !isScout && !isCovered();
    return {
      program,
      scheduler,
      strategy,
      isScout,
      get isCovered() {
        return isCovered();
      },
      learn: (observed) => this.#learn(active, observed, counts),
    };
  }
}

function isScouting(search: Search): search is Scouting {
  return "isScouting" in search;
}

/** (n₁ + n₂ + …)! / (n₁! n₂! …) */
function ordersOf(observed: Observed): number {
  let orders = 1;
  let steps = 0;
  for (const count of lengths(observed).values()) for (let i = 1; i <= count; i++) orders *= ++steps / i;
  return Math.round(orders);
}
