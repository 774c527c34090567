import { sampling, weighted } from "./sampling.js";
import type { Choice, Strategy } from "./strategy.js";

/**
 * Uniform over interleavings rather than over the steps at each moment: an actor is taken as likely as the share of the
 * remaining steps that are its own (URW). Where footprints are known, uniform over the interleavings of those steps alone
 * that conflict with a step of somebody else, with the others in between as they come (SURW; Zhao, Wolff, Mathur and
 * Roychoudhury, "Selectively Uniform Concurrency Testing", ASPLOS 2025). How many steps there are is learnt from the
 * first execution.
 */
export function urw(seed: string): Strategy {
  return sampling("urw", seed, (generator, { steps, conflicting }) => {
    const taken = new Map<string, number>();
    let intended: string | undefined;
    const position = (actor: string) => taken.get(actor) ?? 0;
    const isInteresting = (actor: string) => conflicting.get(actor)?.[position(actor)] ?? true;
    const left = (actor: string): number => {
      const own = conflicting.get(actor);
      // One that has come further than in the first execution may have something to do that matters, too.
      if (own !== undefined && position(actor) < own.length) return own.slice(position(actor)).filter(Boolean).length;
      return Math.max(1, (steps.get(actor) ?? 1) - position(actor));
    };
    const pick = (choices: readonly Choice[], weight: (actor: string) => number): Choice => {
      const weights = choices.map(({ actor }) => weight(actor));
      return choices[weighted(weights, generator)]!;
    };
    return {
      choose(choices) {
        if (!choices.some(({ actor }) => actor === intended)) intended = pick(choices, left).actor;
        // Whose next step does not matter may go on; of the others only the one whose turn it is.
        const free = choices.filter(({ actor }) => actor === intended || !isInteresting(actor));
        const chosen = free.length === 1 ? free[0]! : pick(free, () => 1);
        if (chosen.actor === intended && isInteresting(intended)) intended = undefined;
        taken.set(chosen.actor, position(chosen.actor) + 1);
        return choices.indexOf(chosen);
      },
    };
  });
}
