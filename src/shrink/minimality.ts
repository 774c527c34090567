import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import { simplest, turnsOf } from "./candidates.js";
import type { Memory, Ran } from "./memory.js";
import { joined } from "./orders.js";
import type { Failing } from "./rank.js";
import { compareSizes, sizeOf } from "./size.js";

/**
 * How sure it is that there is nothing smaller, as `compareSizes` has it:
 *
 * - `proved`: no part of the program (some of its operations, and what may go wrong), and no other order of the whole, breaks
 *   so in a smaller way. All of their orders were run, but for those that differ by what commutes.
 * - `checked`: without any one of its operations, faults or switches it no longer breaks so, as far as it was tried.
 * - `cut off`: there was no time to look.
 */
export interface Minimality {
  readonly kind: "proved" | "checked" | "cut off";
  /** How many executions that rests on, whichever were run for it and whichever were known already. */
  readonly runs: number;
}

export interface ExamineOptions {
  readonly model: AnyModel;
  readonly memory: Memory;
  /** The failure that an execution is, if it breaks in the way that counts. */
  readonly breaks: (program: Program, ran: Ran | undefined) => Failing | undefined;
  /** Orders that are tried for what is smaller by one operation or fault. */
  readonly ordersPerCandidate: number;
  /** Of a program with more orders than this, they are not all run. */
  readonly mostOrders: number;
  /** Aborted when there is no time left. */
  readonly signal?: AbortSignal | undefined;
}

/** Programs with more operations have too many parts. */
const mostOperations = 4;

/** Looks for something smaller below a failure, and says how far it looked. */
export async function examine(
  best: Failing,
  options: ExamineOptions,
): Promise<{ readonly smaller?: Failing; readonly minimality: Minimality }> {
  const examination = new Examination(best, options);
  const smaller = (await examination.withoutOne()) ?? (await examination.below());
  const { runs, isComplete, isChecked } = examination;
  const kind = isComplete ? "proved" : isChecked ? "checked" : "cut off";
  return { ...(smaller && { smaller }), minimality: { kind, runs } };
}

class Examination {
  runs = 0;
  isChecked = false;
  isComplete = false;
  /** Whether all that broke so could be put into its normal form. */
  #hasForms = true;
  readonly #best: Failing;
  readonly #options: ExamineOptions;

  constructor(best: Failing, options: ExamineOptions) {
    this.#best = best;
    this.#options = options;
  }

  /** Without any one operation, fault or switch. */
  async withoutOne(): Promise<Failing | undefined> {
    const { program, trace } = this.#best;
    const { memory, ordersPerCandidate } = this.#options;
    for (const candidate of simplest(this.#options.model, { program, order: trace.steps })) {
      if (this.#isOver) return undefined;
      const carried = this.#look(candidate.program, await memory.along(candidate.program, turnsOf(candidate.order)));
      const smaller = carried ?? (await this.#lookAtOrders(candidate.program, ordersPerCandidate));
      if (smaller !== undefined) return smaller;
    }
    for (const order of joined(trace.steps)) {
      if (this.#isOver) return undefined;
      const smaller = this.#look(program, await memory.along(program, order));
      if (smaller !== undefined) return smaller;
    }
    this.isChecked = !this.#isOver;
    return undefined;
  }

  /** Every part of the program, and the whole, under all orders, where there are few enough. */
  async below(): Promise<Failing | undefined> {
    const { program } = this.#best;
    const { memory, mostOrders } = this.#options;
    const calls = program.actors.flatMap(({ operations }) => operations);
    if (calls.length > mostOperations || mostOrders === 0) return undefined;
    for (const part of this.#options.model.onlyExamples === true ? [program] : partsOf(program)) {
      const smaller = await this.#lookAtOrders(part, mostOrders);
      if (smaller !== undefined || this.#isOver || !memory.isExhausted(part)) return smaller;
    }
    this.isComplete = this.#hasForms;
    return undefined;
  }

  get #isOver(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async #lookAtOrders(program: Program, number: number): Promise<Failing | undefined> {
    const { memory } = this.#options;
    for await (const batch of memory.ordersOf(program, number)) {
      for (const ran of batch) {
        const smaller = this.#look(program, ran) ?? (await this.#lookAtForm(program, ran));
        if (smaller !== undefined) return smaller;
      }
      if (this.#isOver || (memory.estimateOf(program) ?? Infinity) > number) return undefined;
    }
    return undefined;
  }

  #look(program: Program, ran: Ran | undefined): Failing | undefined {
    this.runs++;
    const failing = this.#options.breaks(program, ran);
    return failing !== undefined && this.#isSmaller(failing) ? failing : undefined;
  }

  /** What an execution stands for may have an order with fewer switches than its own. */
  async #lookAtForm(program: Program, ran: Ran | undefined): Promise<Failing | undefined> {
    if (ran === undefined || this.#options.breaks(program, ran) === undefined) return undefined;
    const form = ran.normalForm();
    this.#hasForms &&= form !== undefined;
    if (form === undefined) return undefined;
    const { preemptions, switches } = form;
    if (compareSizes({ ...sizeOf(ran.trace), preemptions, switches }, sizeOf(this.#best.trace)) >= 0) return undefined;
    return this.#look(program, await this.#options.memory.along(program, form.turns));
  }

  #isSmaller({ trace }: Failing): boolean {
    return compareSizes(sizeOf(trace), sizeOf(this.#best.trace)) < 0;
  }
}

/** The program with only some of its operations, the fewest first; itself last. */
function partsOf({ actors, faults, initial }: Program): Program[] {
  const all = actors.flatMap(({ name, operations }) => operations.map((_, index) => ({ name, index })));
  const subsets = Array.from({ length: 2 ** all.length - 1 }, (_, i) =>
    all.filter((_each, at) => (((i + 1) >> at) & 1) === 1),
  );
  return subsets
    .toSorted((a, b) => a.length - b.length)
    .map((subset) => {
      const left = actors
        .map(({ name, operations }) => ({
          name,
          operations: operations.filter((_, at) => subset.some((each) => each.name === name && each.index === at)),
        }))
        .filter(({ operations }) => operations.length > 0);
      const possible = faults?.filter(({ actor }) => left.some(({ name }) => name === actor)) ?? [];
      return { initial, actors: left, ...(possible.length === 0 ? {} : { faults: possible }) };
    });
}
