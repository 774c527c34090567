import type { Choice } from "./strategy.js";

/**
 * A switch away from "keep running the current actor": the step with this index is taken by `to`.
 *
 * Without a switch the session that took the last step goes on; when it has nothing to do the actor's other sessions
 * follow, then the first actor, in the program's order, that has a pending step.
 */
export interface Switch {
  /** Index of the step in the execution, from 0. */
  readonly step: number;
  /** Name of the session: the actor's name, with `#2`, `#3`, … for further connections it holds at the same time. */
  readonly to: string;
}

/** The decisions of one execution. The empty list runs every actor to its end, one after the other. */
export type Schedule = readonly Switch[];

/** What is taken where the schedule names no switch. */
export function defaultChoice(choices: readonly Choice[], last: Choice | undefined): number {
  if (last === undefined) return 0;
  const sameSession = choices.findIndex(({ session }) => session === last.session);
  if (sameSession >= 0) return sameSession;
  return Math.max(
    0,
    choices.findIndex(({ actor }) => actor === last.actor),
  );
}
