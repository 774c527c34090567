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
}

/** What a scheduler answers that takes no step before one of the sessions that wait for a lock has gone on. */
export const waitForWaiters = -1;

/** A way of making decisions over many executions. */
export interface Strategy {
  readonly name: string;
  /** The scheduler of the execution with this number (from 0); undefined when there is nothing left to explore. */
  scheduler(execution: number): Scheduler | undefined;
}
