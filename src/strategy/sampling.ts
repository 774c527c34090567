import seedrandom from "seedrandom";
import { faulty } from "./faulty.js";
import type { About, Observed, Scheduler, Search, Strategy } from "./strategy.js";

/** Numbers from 0 to 1, 1 excluded; seeded. */
export type Generator = () => number;

/** What has been learnt of a program: of one that does the same in every order, exact; else the most that was seen. */
export interface Learnt {
  /** Steps of each actor; empty before the first execution. */
  readonly steps: ReadonlyMap<string, number>;
  /** Of these, the ones that conflict with a step of somebody else, by actor; where footprints are known. */
  readonly conflicting: ReadonlyMap<string, readonly boolean[]>;
}

/** Makes the scheduler of one execution. */
export type Sampler = (generator: Generator, learnt: Learnt, about: About) => Scheduler;

/**
 * A strategy that samples: each execution on its own, without an end. The first execution of each program is run by
 * itself, so that the others know how long it is.
 *
 * @param seed Any text.
 */
export function sampling(
  name: string,
  seed: string,
  sampler: Sampler,
  learn: (observed: Observed, about: About) => Learnt = lengths,
): Strategy {
  return { name, search: (program, about) => new Sampling(`${seed}/${name}/${program}`, sampler, learn, about) };
}

class Sampling implements Search {
  readonly exhausted = false;
  readonly estimate = undefined;
  readonly #seed: string;
  readonly #sampler: Sampler;
  readonly #learn: (observed: Observed, about: About) => Learnt;
  readonly #about: About;
  #executions = 0;
  #learnt: Learnt = { steps: new Map(), conflicting: new Map() };
  #knows = false;

  constructor(seed: string, sampler: Sampler, learn: (observed: Observed, about: About) => Learnt, about: About) {
    this.#seed = seed;
    this.#sampler = sampler;
    this.#learn = learn;
    this.#about = about;
  }

  next(): Scheduler | undefined {
    if (this.#executions > 0 && !this.#knows) return undefined;
    const generator = seedrandom(`${this.#seed}/${this.#executions++}`);
    return faulty(this.#sampler(generator, this.#learnt, this.#about), generator, this.#learnt.steps);
  }

  learn(observed: Observed | undefined): void {
    this.#knows = true;
    if (observed === undefined) return;
    const { steps, conflicting } = this.#learn(observed, this.#about);
    const longest = new Map(this.#learnt.steps);
    for (const [actor, count] of steps) longest.set(actor, Math.max(count, longest.get(actor) ?? 0));
    // Whether steps conflict is learnt once: it costs more than the rest.
    const known = this.#learnt.conflicting.size > 0 ? this.#learnt.conflicting : conflicting;
    this.#learnt = { steps: longest, conflicting: known };
  }
}

/** How many steps each actor took. */
export function lengths({ pending, chosen }: Observed): Learnt {
  const steps = new Map<string, number>();
  for (const [index, choices] of pending.entries()) {
    const { actor } = choices[chosen[index]!]!;
    steps.set(actor, (steps.get(actor) ?? 0) + 1);
  }
  return { steps, conflicting: new Map() };
}

/** One of several, each as likely as its weight says; with no weight at all, any. */
export function weighted(weights: readonly number[], generator: Generator): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return Math.floor(generator() * weights.length);
  let left = generator() * total;
  const at = weights.findIndex((weight) => (left -= weight) < 0);
  return at < 0 ? weights.length - 1 : at;
}
