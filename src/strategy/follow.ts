import { defaultChoice, type Schedule } from "./schedule.js";
import type { Choice, Scheduler } from "./strategy.js";

/** The schedule asks for a step that is not pending: code, model or Postgres is not what it was. */
export class Divergence extends Error {
  override readonly name = "Divergence";
  constructor(
    readonly step: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Follows a schedule to the letter.
 *
 * @throws {Divergence} From `choose`, when the session to switch to has no pending step.
 */
export function follow(schedule: Schedule): Scheduler {
  const switches = new Map(schedule.map(({ step, to }) => [step, to]));
  let step = -1;
  return {
    choose(choices, last) {
      const to = switches.get(++step);
      if (to === undefined) return defaultChoice(choices, last);
      const chosen = choices.findIndex(({ session }) => session === to);
      if (chosen < 0)
        throw new Divergence(
          step,
          `the schedule switches to "${to}", which has no pending step; pending: ${names(choices)}`,
        );
      return chosen;
    },
  };
}

/**
 * Follows an order of actors as far as it makes sense: names without a pending step are skipped, and after the last one
 * each actor is run to its end.
 *
 * @param order Names of the sessions in the order in which they took their steps.
 */
export function followOrder(order: readonly string[]): Scheduler {
  let next = 0;
  return {
    choose(choices, last) {
      while (next < order.length) {
        const chosen = choices.findIndex(({ session }) => session === order[next]);
        next++;
        if (chosen >= 0) return chosen;
      }
      return defaultChoice(choices, last);
    },
  };
}

function names(choices: readonly Choice[]): string {
  return choices.map(({ session }) => session).join(", ");
}
