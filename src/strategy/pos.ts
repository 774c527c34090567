import { keyOf } from "./events.js";
import { sampling } from "./sampling.js";
import type { Choice, Strategy } from "./strategy.js";

/**
 * Partial-order sampling (Yuan, Yang and Gu, CAV 2018): each pending step has a random priority of its own, the highest is
 * taken, and those that race with it draw anew, so that no order of two racing steps is rarer for what came before. What
 * races with what is learnt from the first execution.
 */
export function pos(seed: string): Strategy {
  return sampling("pos", seed, (generator, { conflict }) => {
    const priorities = new Map<string, number>();
    const priorityOf = (choice: Choice): number => {
      const key = keyOf(choice);
      const known = priorities.get(key) ?? generator();
      priorities.set(key, known);
      return known;
    };
    return {
      choose(choices) {
        const values = choices.map(priorityOf);
        const chosen = values.indexOf(Math.max(...values));
        const step = choices[chosen]!;
        for (const other of choices)
          if (other === step || (other.actor !== step.actor && conflict(step, other))) priorities.delete(keyOf(other));
        return chosen;
      },
    };
  });
}
