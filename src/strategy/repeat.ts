import { comparable } from "./comparable.js";
import { Divergence } from "./follow.js";
import type { Choice, Scheduler } from "./strategy.js";

/** A scheduler whose execution can be run once more. */
export interface RepeatableScheduler extends Scheduler {
  /**
   * Takes the same steps again, and looks whether it is the same execution: before each step the same must be pending.
   *
   * @throws {Divergence} From `choose`, at the first step before which something else is pending.
   */
  again(): Scheduler;
}

/**
 * Keeps what another scheduler does, and changes nothing about it. After shuttle's scheduler for checking uncontrolled
 * nondeterminism.
 */
export function repeatable(scheduler: Scheduler): RepeatableScheduler {
  const pending: (readonly Choice[])[] = [];
  const chosen: number[] = [];
  return {
    choose(choices, last) {
      const index = scheduler.choose(choices, last);
      pending.push(choices);
      chosen.push(index);
      return index;
    },
    taken: (step, after) => scheduler.taken?.(step, after),
    again: () => repeat(pending, chosen),
  };
}

function repeat(pending: readonly (readonly Choice[])[], chosen: readonly number[]): Scheduler {
  let step = -1;
  return {
    choose(choices) {
      step++;
      const before = pending[step];
      const [first, now] = [describe(before ?? []), describe(choices)];
      if (before === undefined || first !== now)
        throw new Divergence(step, `first ${first || "nothing more"} could be taken, then ${now}`);
      return chosen[step]!;
    },
  };
}

function describe(choices: readonly Choice[]): string {
  return choices
    .filter(({ fault }) => fault === undefined)
    .map(({ session, text }) => `${session}: ${comparable(text)}`)
    .join("; ");
}
