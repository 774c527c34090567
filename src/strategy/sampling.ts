import seedrandom from "seedrandom";
import { dependent, eventsOf } from "./events.js";
import { faulty } from "./faulty.js";
import type { About, Choice, Observed, Scheduler, Search, Strategy } from "./strategy.js";

/** Numbers from 0 to 1, 1 excluded; seeded. */
export type Generator = () => number;

/** What has been learnt of a program: of one that does the same in every order, exact; else the most that was seen. */
export interface Learnt {
  /** Steps of each actor; empty before the first execution. */
  readonly steps: ReadonlyMap<string, number>;
  /** Which of its steps conflict with a step of somebody else, by actor; empty where footprints are not known. */
  readonly conflicting: ReadonlyMap<string, readonly boolean[]>;
  /** Whether steps with such texts conflicted; where footprints are not known, all do. */
  conflict(a: Choice, b: Choice): boolean;
}

/** Makes the scheduler of one execution. */
export type Sampler = (generator: Generator, learnt: Learnt) => Scheduler;

/**
 * A strategy that samples: each execution on its own, without an end. The first execution of each program is run by
 * itself, so that the others know how long it is.
 *
 * @param seed Any text.
 */
export function sampling(name: string, seed: string, sampler: Sampler): Strategy {
  return { name, search: (program, about) => new Sampling(`${seed}/${name}/${program}`, sampler, about) };
}

class Sampling implements Search {
  readonly exhausted = false;
  readonly estimate = undefined;
  readonly #seed: string;
  readonly #sampler: Sampler;
  readonly #about: About;
  #executions = 0;
  #learnt = nothingLearnt;
  #knows = false;

  constructor(seed: string, sampler: Sampler, about: About) {
    this.#seed = seed;
    this.#sampler = sampler;
    this.#about = about;
  }

  next(): Scheduler | undefined {
    if (this.#executions > 0 && !this.#knows) return undefined;
    const generator = seedrandom(`${this.#seed}/${this.#executions++}`);
    return faulty(this.#sampler(generator, this.#learnt), generator, this.#learnt.steps);
  }

  learn(observed: Observed | undefined): void {
    const isFirst = !this.#knows;
    this.#knows = true;
    if (observed === undefined) return;
    // Whether steps conflict is learnt once: it costs more than the rest.
    const learnt = isFirst ? conflictsOf(observed, this.#about) : this.#learnt;
    const steps = new Map(this.#learnt.steps);
    for (const [actor, count] of lengths(observed)) steps.set(actor, Math.max(count, steps.get(actor) ?? 0));
    this.#learnt = { ...learnt, steps };
  }
}

const nothingLearnt: Learnt = { steps: new Map(), conflicting: new Map(), conflict: () => true };

/** How many steps each actor took. */
export function lengths({ pending, chosen }: Observed): Map<string, number> {
  const steps = new Map<string, number>();
  for (const [index, choices] of pending.entries()) {
    const { actor } = choices[chosen[index]!]!;
    steps.set(actor, (steps.get(actor) ?? 0) + 1);
  }
  return steps;
}

function conflictsOf(observed: Observed, { footprints }: About): Learnt {
  if (footprints === undefined) return nothingLearnt;
  const { pending, chosen } = observed;
  const texts = pending.map((choices, index) => textOf(choices[chosen[index]!]!));
  const events = eventsOf(observed, footprints());
  const matters = events.map(() => false);
  const pairs = new Set<string>();
  for (const [i, event] of events.entries()) {
    for (let other = i + 1; other < events.length; other++) {
      if (events[other]!.actor === event.actor || !dependent(event, events[other]!)) continue;
      matters[i] = matters[other] = true;
      pairs.add(pairOf(texts[i]!, texts[other]!));
    }
  }
  const conflicting = new Map<string, boolean[]>();
  for (const [i, { actor }] of events.entries())
    conflicting.set(actor, [...(conflicting.get(actor) ?? []), matters[i]!]);
  return { ...nothingLearnt, conflicting, conflict: (a, b) => pairs.has(pairOf(textOf(a), textOf(b))) };
}

function textOf({ kind, text }: Choice): string {
  return `${kind} ${text}`;
}

function pairOf(...texts: [string, string]): string {
  return texts.toSorted().join("\0");
}

/** One of several, each as likely as its weight says; with no weight at all, any. */
export function weighted(weights: readonly number[], generator: Generator): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return Math.floor(generator() * weights.length);
  let left = generator() * total;
  const at = weights.findIndex((weight) => (left -= weight) < 0);
  return at < 0 ? weights.length - 1 : at;
}
