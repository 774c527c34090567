import type { Program } from "../execution/program.js";
import { lengths } from "../strategy/sampling.js";
import type { About, Observed, Scheduler, Search, Strategy } from "../strategy/strategy.js";
import type { Coverage } from "./verdict.js";

/** How many sampled schedules each program gets. */
const samplesPerProgram = 10;

/** Programs that are explored side by side, at least. */
const leastAbreast = 12;

/** So many programs in a row that are done already: there is little left that the model would generate. */
const nothingNew = 200;

/** An execution to run. */
export interface Job {
  /** Number of the execution. */
  readonly number: number;
  readonly program: Program;
  readonly scheduler: Scheduler;
  /** Whose scheduler it is. */
  readonly strategy: string;
  /** To be called for each job, in the order of their numbers. */
  learn(observed: Observed | undefined): void;
}

/** A program that is being explored. */
interface Active {
  readonly program: Program;
  /** Tells it apart from others. */
  readonly key: string;
  readonly search: Search;
  /** Executions that sample, of those handed out. */
  sampled: number;
  executions: number;
  /** Executions that were handed out and not learnt of. */
  underway: number;
  /** How many orders it has, by the multinomial of the first execution's steps: as if nothing ever had to wait. */
  orders: number;
}

/** Which executions come next: several programs at a time, each searched by the strategy until that has enough. */
export class Queue {
  readonly #strategy: Strategy;
  readonly #programAt: (number: number) => Program;
  readonly #about: (program: Program) => About;
  readonly #abreast: number;
  #active: Active[] = [];
  readonly #done = new Set<string>();
  #next = 0;
  /** Programs in a row that were no new ones. */
  #repeated = 0;
  #jobs = 0;
  #exhausted: Coverage["exhausted"] = { programs: 0, executions: 0, orders: 0 };

  /** @param first How many programs are to be explored before any others: they take turns among themselves. */
  constructor(
    strategy: Strategy,
    programAt: (number: number) => Program,
    about: (program: Program) => About,
    first: number,
  ) {
    this.#abreast = Math.max(leastAbreast, first);
    this.#strategy = strategy;
    this.#programAt = programAt;
    this.#about = about;
  }

  /** Of the programs whose orders have all been run. */
  get exhausted(): Coverage["exhausted"] {
    return this.#exhausted;
  }

  /** How many executions the programs at hand will have taken; undefined where one of them is sampled. */
  get estimate(): number | undefined {
    const estimates = this.#active.map(({ search }) => search.estimate);
    if (estimates.length === 0 || estimates.includes(undefined)) return undefined;
    return estimates.reduce<number>((sum, each) => sum + each!, this.#exhausted.executions);
  }

  /**
   * The next execution; undefined when there is none, at least until one that is under way has been learnt of. Programs
   * take turns: what one of them breaks with few switches is found before another has been gone through with many.
   */
  next(): Job | undefined {
    for (let idle = 0; ;) {
      const active = (this.#active.length < this.#abreast ? this.#begin() : undefined) ?? this.#active.shift();
      if (active === undefined) return undefined;
      const job = this.#nextOf(active);
      // Done with for now, if nothing of it is under way that could lead to more; but its orders are not all run, so it may
      // come again.
      if (job === undefined && active.underway === 0) {
        this.#repeated = 0;
        continue;
      }
      this.#active.push(active);
      if (job !== undefined) return job;
      if (++idle >= this.#active.length) return undefined;
    }
  }

  #learn(active: Active, observed: Observed | undefined): void {
    const { search, key, executions } = active;
    active.underway--;
    search.learn(observed);
    if (active.orders === 0 && observed !== undefined) active.orders = ordersOf(observed);
    if (!search.exhausted || this.#done.has(key)) return;
    const { exhausted } = this;
    this.#done.add(key);
    this.#active = this.#active.filter((other) => other !== active);
    this.#exhausted = {
      programs: exhausted.programs + 1,
      executions: exhausted.executions + executions,
      orders: exhausted.orders + active.orders,
    };
  }

  #begin(): Active | undefined {
    for (; this.#repeated < nothingNew; this.#repeated++) {
      const program = this.#programAt(this.#next++);
      const key = JSON.stringify(program);
      if (this.#done.has(key) || this.#active.some((other) => other.key === key)) continue;
      this.#repeated = 0;
      const search = this.#strategy.search(`${this.#next}`, this.#about(program));
      return { program, key, search, sampled: 0, executions: 0, underway: 0, orders: 0 };
    }
    return undefined;
  }

  #nextOf(active: Active): Job | undefined {
    const { program, search } = active;
    if (active.sampled >= samplesPerProgram) return undefined;
    const scheduler = search.next();
    if (scheduler === undefined) return undefined;
    if (search.estimate === undefined) active.sampled++;
    active.executions++;
    active.underway++;
    const strategy = "using" in search ? String(search.using) : this.#strategy.name;
    const learn = (observed: Observed | undefined) => this.#learn(active, observed);
    return { number: this.#jobs++, program, scheduler, strategy, learn };
  }
}

/** (n₁ + n₂ + …)! / (n₁! n₂! …) */
function ordersOf(observed: Observed): number {
  let orders = 1;
  let steps = 0;
  for (const count of lengths(observed).values()) for (let i = 1; i <= count; i++) orders *= ++steps / i;
  return Math.round(orders);
}
