import type { Site } from "../explanation/explanation.js";
import type { Counterexample } from "../shrink/counterexample.js";

/**
 * The source line of the decisive statement: the one that wrote after a stale read, else the one that must not come between,
 * else the last one that has a place. Only files of the project: a tool would look for them there.
 */
export function decisivePlace({ explanation, trace }: Counterexample): Site | undefined {
  if (explanation === undefined) return undefined;
  const { stale, swap, sites } = explanation;
  const steps = [
    ...stale.map(({ used }) => used),
    ...(swap?.passing ? [swap.passing.first, swap.passing.second] : []),
    ...trace.steps.map(({ index }) => index).toReversed(),
  ];
  const places = steps.map((index) => sites[index]);
  return places.find((site) => site !== null && site !== undefined && !site.file.startsWith("raceproof/")) ?? undefined;
}
