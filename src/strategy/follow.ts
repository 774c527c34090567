import { defaultChoice, switchedTo, type Schedule, type Switch } from "./schedule.js";
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
 * @param onMiss Told when the session to switch to has no pending step; it is left out then. Default: it is an error.
 * @throws {Divergence} From `choose`, when there is no `onMiss` to be told.
 */
export function follow(schedule: Schedule, onMiss?: (divergence: Divergence) => void): Scheduler {
  const switches = new Map(schedule.map((each) => [each.step, each]));
  let step = -1;
  return {
    choose(choices, last) {
      const decision = switches.get(++step);
      if (decision === undefined) return defaultChoice(choices, last);
      const chosen = switchedTo(choices, decision);
      if (chosen >= 0) return chosen;
      const divergence = new Divergence(
        step,
        `the schedule switches to "${name(decision.to, decision.fault)}", which has no pending step; pending: ${names(choices)}`,
      );
      if (onMiss === undefined) throw divergence;
      onMiss(divergence);
      return defaultChoice(choices, last);
    },
  };
}

/**
 * Follows an order of steps as far as it makes sense: those that are not pending are skipped, and after the last one
 * each actor is run to its end.
 *
 * @param order The sessions in the order in which they took their steps; where something went wrong with a step, what.
 */
export function followOrder(order: readonly (string | Omit<Switch, "step">)[]): Scheduler {
  let next = 0;
  return {
    choose(choices, last) {
      while (next < order.length) {
        const step = order[next]!;
        const chosen = switchedTo(choices, typeof step === "string" ? { to: step } : step);
        next++;
        if (chosen >= 0) return chosen;
      }
      return defaultChoice(choices, last);
    },
  };
}

function names(choices: readonly Choice[]): string {
  return choices.map(({ session, fault }) => name(session, fault)).join(", ");
}

function name(session: string, fault: Switch["fault"]): string {
  return fault === undefined ? session : `${session}, ${fault}`;
}
