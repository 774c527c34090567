import { exhaustive } from "../strategy/exhaustive.js";
import { samplers } from "../strategy/named.js";
import type { Observed, Scheduler, Search, Strategy } from "../strategy/strategy.js";
import { numericSeed } from "./programs.js";

/**
 * How many executions a program may seem to take for all of its orders to be run, and how many it may take then. So many
 * are exhaustive in any case: those with the fewest switches and faults break most of what breaks.
 */
const worthwhile = { first: 24, estimate: 60, most: 120 };

/** How many schedules a program gets of one sampling strategy before it is the next one's turn. */
const samplesInTurn = 10;

/**
 * What `check` does unless told otherwise. Every program is begun exhaustively: while the estimate of all its orders is
 * small they are run, those with the fewest switches first; else, or when it turns out to be larger, it goes on with the
 * sampling strategies in turn, of which each program begins with another one.
 */
export function portfolio(seed: string): Strategy {
  return {
    name: "portfolio",
    search: (program, about) =>
      new Portfolio(
        exhaustive.search(program, about),
        samplers(seed).map(({ name, search }) => ({ name, search: search(program, about) })),
        numericSeed(seed, `portfolio/${program}`) >>> 0,
      ),
  };
}

/** A search that says which strategy each execution was of. */
export interface Attributed extends Search {
  /** Of the scheduler that was handed out last. */
  readonly using: string;
}

interface Sampler {
  readonly name: string;
  readonly search: Search;
}

class Portfolio implements Attributed {
  /** Undefined once it has been given up. */
  #complete: Search | undefined;
  readonly #samplers: readonly Sampler[];
  /** Which of them comes next, counted on and on. */
  #turn: number;
  /** Who is to learn of what was handed out. */
  readonly #underway: Search[] = [];
  #executions = 0;
  #sampled = 0;
  using = exhaustive.name;

  constructor(complete: Search, samplers: readonly Sampler[], first: number) {
    this.#complete = complete;
    this.#samplers = samplers;
    this.#turn = first;
  }

  next(): Scheduler | undefined {
    if (this.#complete !== undefined) {
      const { estimate = Infinity } = this.#complete;
      const { first, most } = worthwhile;
      const tooMany = this.#executions >= most || (this.#executions >= first && estimate > worthwhile.estimate);
      if (!tooMany) {
        const scheduler = this.#hand(this.#complete, exhaustive.name);
        // It may have nothing left to run without having come to its end.
        if (scheduler !== undefined || this.#underway.length > 0 || this.#complete.exhausted) return scheduler;
      }
      this.#complete = undefined;
    }
    const { name, search } = this.#samplers[this.#turn % this.#samplers.length]!;
    const scheduler = this.#hand(search, name);
    if (scheduler !== undefined && ++this.#sampled % samplesInTurn === 0) this.#turn++;
    return scheduler;
  }

  learn(observed: Observed | undefined): void {
    this.#underway.shift()!.learn(observed);
  }

  get exhausted(): boolean {
    return this.#complete?.exhausted ?? false;
  }

  get estimate(): number | undefined {
    return this.#complete?.estimate;
  }

  #hand(search: Search, name: string): Scheduler | undefined {
    const scheduler = search.next();
    if (scheduler === undefined) return undefined;
    this.#underway.push(search);
    this.#executions++;
    this.using = name;
    return scheduler;
  }
}
