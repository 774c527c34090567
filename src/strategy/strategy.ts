import type { Ending, Footprints } from "../footprint/footprints.js";
import type { FaultKind } from "./fault.js";

/** A pending step that could be taken next, as far as strategies may look at it. */
export interface Choice {
  readonly actor: string;
  readonly session: string;
  readonly kind: "statement" | "yield" | "crash";
  readonly text: string;
  readonly values: readonly unknown[];
  /** What is to go wrong with the step, of what the program allows; undefined for the step as it is. */
  readonly fault?: FaultKind | undefined;
}

/**
 * Makes the decisions of one execution.
 *
 * The contract: `choose` is called once per step, with the steps pending at that moment in a fixed order (actors as in
 * the program, then sessions), never an empty list; sessions waiting for a lock are not among them. Behind the steps stand the faults that the program
 * still allows: a step that is there once more with a `fault`, and the crash of an actor (`kind: "crash"`). It depends on its
 * arguments, its own state and its own seeded generator alone, so that one seed gives one execution.
 */
export interface Scheduler {
  /**
   * @param choices The pending steps.
   * @param last Who took the step before; undefined for the first.
   * @returns Index into `choices`, or {@link waitForWaiters}.
   */
  choose(choices: readonly Choice[], last: Choice | undefined): number;
  /** Told of each step once it has answered, at once or behind a wait. */
  taken?(step: Choice, after: Ending): void;
}

/** What a scheduler answers that takes no step before one of the sessions that wait for a lock has gone on. */
export const waitForWaiters = -1;

/** One execution, as far as strategies learn from it. */
export interface Observed {
  /** What could have been taken, for each step. */
  readonly pending: readonly (readonly Choice[])[];
  /** What was taken: index into `pending`, for each step. */
  readonly chosen: readonly number[];
  /** Answers in the order in which they came: of which step, while which step was the last to be let go. */
  readonly answers: readonly { readonly step: number; readonly during: number; readonly after: Ending }[];
}

/**
 * The search through the orders of one program.
 *
 * The contract: every scheduler that `next` hands out is run once, and `learn` is called for each in the order in which
 * they were handed out (with undefined where the execution could not be finished). Many may be under way at once.
 */
export interface Search {
  /** Undefined when there is nothing to run now; nothing at all, once all that was handed out has been learnt of. */
  next(): Scheduler | undefined;
  learn(observed: Observed | undefined): void;
  /** Whether every order has been run, but for those that differ only by steps that commute. */
  readonly exhausted: boolean;
  /** How many executions the whole search will have taken, by what is known now; undefined for one without an end. */
  readonly estimate: number | undefined;
}

/** A way of searching through the orders of a program. */
export interface Strategy {
  readonly name: string;
  /** @param program Tells programs apart: the same strategy searches the same program in the same way. */
  search(program: string, about: About): Search;
}

/** What a strategy may know of a program beforehand. */
export interface About {
  /** Footprints for one execution; undefined where every two steps are to be taken to conflict. */
  readonly footprints: (() => Footprints) | undefined;
}
