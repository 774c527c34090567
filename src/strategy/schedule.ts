import { isTimer } from "../session/timer-step.js";
import type { FaultKind } from "./fault.js";
import type { Choice } from "./strategy.js";

/**
 * A switch away from "keep running the current actor": the step with this index is taken by `to`.
 *
 * Without a switch the session that took the last step goes on; when it has nothing to do the actor's other sessions
 * follow, then the first actor, in the program's order, that has a pending step. Time passes when there is nothing else to
 * do, until the first timer is due. No fault happens that no switch names.
 */
export interface Switch {
  /** Index of the step in the execution, from 0. */
  readonly step: number;
  /** Name of the session: the actor's name, with `#2`, `#3`, … for further connections it holds at the same time. */
  readonly to: string;
  /** What goes wrong with the step; such a decision stands here even where the session would have gone on anyway. */
  readonly fault?: FaultKind;
}

/** The decisions of one execution. The empty list runs every actor to its end, one after the other. */
export type Schedule = readonly Switch[];

/** What is taken where the schedule names no switch. */
export function defaultChoice(choices: readonly Choice[], last: Choice | undefined): number {
  if (last === undefined) return 0;
  const sameSession = choices.findIndex((choice) => choice.session === last.session && goesOn(choice));
  if (sameSession >= 0) return sameSession;
  // Timers stand behind other steps, the first to be due before the others, and faults behind all of them.
  return Math.max(
    0,
    choices.findIndex((choice) => choice.actor === last.actor && goesOn(choice)),
  );
}

/** Where in `choices` the step is that a switch names; -1 where it is not pending. */
export function switchedTo(choices: readonly Choice[], { to, fault }: Omit<Switch, "step">): number {
  return choices.findIndex((choice) => choice.session === to && choice.fault === fault);
}

function goesOn(choice: Choice): boolean {
  return choice.fault === undefined && !isTimer(choice);
}
