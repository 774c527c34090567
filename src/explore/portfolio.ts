import { exhaustive } from "../strategy/exhaustive.js";
import { samplers } from "../strategy/named.js";
import type { Observed, Scheduler, Search, Strategy } from "../strategy/strategy.js";

/**
 * How many executions a program may seem to take for all of its orders to be run, and how many it may take then. So many
 * are exhaustive in any case: those with the fewest switches and faults break most of what breaks.
 */
const worthwhile = { first: 24, estimate: 60, most: 120 };

/**
 * What `check` does unless told otherwise. Every program is begun exhaustively: while the estimate of all its orders is
 * small they are run, those with the fewest switches first; else, or when it turns out to be larger, it goes on with a
 * sampling strategy, of which each program gets the next in turn.
 */
export function portfolio(seed: string): Strategy {
  const turns = samplers(seed);
  let turn = 0;
  return {
    name: "portfolio",
    search: (program, about) =>
      new Portfolio(exhaustive.search(program, about), () => {
        const sampler = turns[turn++ % turns.length]!;
        return { name: sampler.name, search: sampler.search(program, about) };
      }),
  };
}

/** A search that says which strategy each execution was of. */
export interface Attributed extends Search {
  /** Of the scheduler that was handed out last. */
  readonly using: string;
}

class Portfolio implements Attributed {
  readonly #complete: Search;
  readonly #sampler: () => { readonly name: string; readonly search: Search };
  #sampling: { readonly name: string; readonly search: Search } | undefined;
  /** Who is to learn of what was handed out. */
  readonly #underway: Search[] = [];
  #executions = 0;
  using = exhaustive.name;

  constructor(complete: Search, sampler: () => { readonly name: string; readonly search: Search }) {
    this.#complete = complete;
    this.#sampler = sampler;
  }

  next(): Scheduler | undefined {
    const { estimate = Infinity } = this.#complete;
    const { first, most } = worthwhile;
    const tooMany = this.#executions >= most || (this.#executions >= first && estimate > worthwhile.estimate);
    if (!tooMany && this.#sampling === undefined) {
      const scheduler = this.#hand(this.#complete, exhaustive.name);
      // It may have nothing left to run without having come to its end.
      if (scheduler !== undefined || this.#underway.length > 0 || this.#complete.exhausted) return scheduler;
    }
    this.#sampling ??= this.#sampler();
    return this.#hand(this.#sampling.search, this.#sampling.name);
  }

  learn(observed: Observed | undefined): void {
    this.#underway.shift()!.learn(observed);
  }

  get exhausted(): boolean {
    return this.#sampling === undefined && this.#complete.exhausted;
  }

  get estimate(): number | undefined {
    return this.#sampling === undefined ? this.#complete.estimate : undefined;
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
