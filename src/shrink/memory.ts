import { PostgresError, RaceproofError } from "../errors.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Lanes } from "../execution/lanes.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import { judge } from "../oracle/judge.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import { exhaustive } from "../strategy/exhaustive.js";
import { Divergence, followOrder } from "../strategy/follow.js";
import type { Switch } from "../strategy/schedule.js";
import type { About, Observed, Scheduler, Search } from "../strategy/strategy.js";
import { normalFormOf, type NormalForm } from "./normal-form.js";
import { compareFailures, rankOf, type Failing } from "./rank.js";

/** An execution as shrinking needs it. */
export interface Ran {
  readonly trace: Trace;
  readonly violations: readonly Violation[];
  /** Of what breaks something: what stands for all orders that differ only by what commutes, where that can be told. */
  readonly normalForm: () => NormalForm | undefined;
}

/** An order of steps, by who took each and what went wrong with it. */
export type Turns = readonly Omit<Switch, "step">[];

export interface MemoryOptions {
  readonly lanes: Lanes;
  /** What to run, but for the program. */
  readonly assignment: Omit<Assignment, "program">;
  /** What the search for orders may know of a program. */
  readonly about: (program: Program) => About;
  /** Called for each execution, with how many there were. */
  readonly onProgress?: (executions: number) => void;
}

/** The orders of one program, as far as they have been run: those with the fewest decisions first. */
interface Orders {
  readonly search: Search;
  readonly batches: (Ran | undefined)[][];
}

/** Orders that are run together. A number of its own, so that what is found does not depend on the lanes. */
const batchSize = 8;

/**
 * Runs candidates, none of them twice: what breaks in several ways is shrunk for each of them, mostly through the same
 * programs. It keeps the smallest failure of each signature, too: what is run for one way of breaking passes others by.
 */
export class Memory {
  executions = 0;
  readonly #options: MemoryOptions;
  readonly #along = new Map<string, Promise<Ran | undefined>>();
  readonly #orders = new Map<string, Orders>();
  readonly #failures = new Map<string, Failing>();

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  get failures(): readonly Failing[] {
    return [...this.#failures.values()];
  }

  /** @returns Undefined when it could not be finished: such a candidate is not taken. */
  along(program: Program, order: Turns): Promise<Ran | undefined> {
    const key = JSON.stringify([program, order]);
    const known = this.#along.get(key);
    if (known !== undefined) return known;
    const ran = this.#options.lanes.run(async (lane) =>
      this.#note(program, await this.#run(lane, program, followOrder(order))),
    );
    this.#along.set(key, ran);
    return ran;
  }

  /** A program's orders, in batches, up to a number; those that were not run before are run. */
  async *ordersOf(program: Program, most: number): AsyncGenerator<readonly (Ran | undefined)[]> {
    const key = JSON.stringify(program);
    const orders = this.#orders.get(key) ?? {
      search: exhaustive.search("", this.#options.about(program)),
      batches: [],
    };
    this.#orders.set(key, orders);
    for (let at = 0; at * batchSize < most; at++) {
      const batch = orders.batches[at] ?? (await this.#nextBatch(program, orders));
      if (batch.length === 0) return;
      yield batch;
    }
  }

  /** How many executions all its orders will have taken, as far as that can be told. */
  estimateOf(program: Program): number | undefined {
    return this.#orders.get(JSON.stringify(program))?.search.estimate;
  }

  async #nextBatch(program: Program, { search, batches }: Orders): Promise<(Ran | undefined)[]> {
    const schedulers: Scheduler[] = [];
    while (schedulers.length < batchSize) {
      const next = search.next();
      if (next === undefined) break;
      schedulers.push(next);
    }
    const batch: (Ran | undefined)[] = [];
    const jobs = schedulers.map((scheduler) => (lane: Lane) => this.#run(lane, program, scheduler));
    for await (const executed of this.#options.lanes.ordered(jobs)) {
      search.learn(executed);
      batch.push(this.#note(program, executed));
    }
    if (batch.length > 0) batches.push(batch);
    return batch;
  }

  /** Whether every order of a program has been run, but for those that differ only by what commutes. */
  isExhausted(program: Program): boolean {
    return this.#orders.get(JSON.stringify(program))?.search.exhausted === true;
  }

  #note(program: Program, executed: Executed | undefined): Ran | undefined {
    if (executed === undefined) return undefined;
    const { trace } = executed;
    const violations = judge(this.#options.assignment.model, program, executed);
    if (violations.length === 0) return { trace, violations, normalForm: () => undefined };
    this.#keep({ program, trace, violations });
    const observed = withoutHandles(executed);
    const { footprints } = this.#options.about(program);
    let known: { readonly form: NormalForm | undefined } | undefined;
    const normalForm = () =>
      (known ??= { form: normalFormOf(observed, footprints?.(), rankOf(this.#options.assignment.model)) }).form;
    return { trace, violations, normalForm };
  }

  #keep(failing: Failing): void {
    const { model } = this.#options.assignment;
    const signature = signatureOf(failing.violations);
    const best = this.#failures.get(signature);
    if (best === undefined || compareFailures(model, failing, best) < 0) this.#failures.set(signature, failing);
  }

  async #run(lane: Lane, program: Program, scheduler: Scheduler): Promise<Executed | undefined> {
    this.executions++;
    this.#options.onProgress?.(this.executions);
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

/** What is kept of an execution, without what hangs on its connections. */
function withoutHandles({ pending, chosen, answers }: Observed): Observed {
  const plain = pending.map((choices) =>
    choices.map(({ actor, session, kind, text, values, fault }) => ({ actor, session, kind, text, values, fault })),
  );
  return { pending: plain, chosen, answers };
}
