import { comparable } from "./comparable.js";
import { Divergence } from "./follow.js";
import type { Choice, Observed, Scheduler } from "./strategy.js";

/**
 * Takes the steps of an execution once more, and looks whether it is the same one: before each step the same must be
 * pending. After shuttle's scheduler for checking uncontrolled nondeterminism, whose first half, writing everything down,
 * each execution does anyway.
 *
 * @throws {Divergence} From `choose`, at the first step before which something else is pending.
 */
export function repeat({ pending, chosen }: Pick<Observed, "pending" | "chosen">): Scheduler {
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
