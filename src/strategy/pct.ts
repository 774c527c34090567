import { sampling, type Generator } from "./sampling.js";
import type { Choice, Strategy } from "./strategy.js";

/**
 * Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010): each actor has a random
 * priority and the highest that can runs, but for d − 1 random steps at which the one that runs falls below all others.
 * A bug of depth d is found with a probability of at least 1/(n·k^(d−1)) in each execution of n actors and k steps.
 *
 * @param depth d, at least 1.
 */
export function pct(seed: string, depth: number): Strategy {
  return sampling(`pct:${depth}`, seed, (generator, { steps }) => {
    const length = [...steps.values()].reduce((sum, count) => sum + count, 0) || 1;
    const changes = new Map<number, number>();
    for (let lower = depth - 1; lower >= 1; lower--) changes.set(1 + Math.floor(generator() * length), lower);
    const priorities = new Priorities(generator, depth);
    let step = 0;
    return {
      choose(choices) {
        const first = priorities.highest(choices);
        const lower = changes.get(++step);
        if (lower === undefined) return first;
        priorities.set(choices[first]!.actor, lower);
        return priorities.highest(choices);
      },
    };
  });
}

/** The depth that a strategy of this name looks for; undefined for other strategies. */
export function depthOf(name: string): number | undefined {
  const depth = /^pct:(\d+)$/.exec(name)?.[1];
  return depth === undefined ? undefined : Number(depth);
}

/**
 * The chance of finding a bug of some depth in a number of executions, at least: the bound of PCT.
 *
 * @param n Actors.
 * @param k Steps.
 * @param depth d.
 */
export function pctBound(n: number, k: number, depth: number, executions: number): number {
  return 1 - (1 - 1 / (n * k ** (depth - 1))) ** executions;
}

class Priorities {
  readonly #generator: Generator;
  readonly #least: number;
  readonly #of = new Map<string, number>();

  constructor(generator: Generator, least: number) {
    this.#generator = generator;
    this.#least = least;
  }

  set(actor: string, priority: number): void {
    this.#of.set(actor, priority);
  }

  highest(choices: readonly Choice[]): number {
    const values = choices.map(({ actor }) => {
      const known = this.#of.get(actor) ?? this.#least + this.#generator();
      this.#of.set(actor, known);
      return known;
    });
    return values.indexOf(Math.max(...values));
  }
}
