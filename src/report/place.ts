import type { Site } from "../explanation/explanation.js";
import { visible } from "./text.js";
import type { Counterexample } from "../shrink/counterexample.js";

/** Whether a place is in the project, where a reader can go: what begins so stands in raceproof's package. */
export function isOurs(site: Site | null | undefined): site is Site {
  return site !== null && site !== undefined && !site.file.startsWith("raceproof/");
}

/** The path of a file as a part of a url: nothing in it is taken for anything else. */
export function uriOf(file: string): string {
  return visible(file).split("/").map(encodeURIComponent).join("/");
}

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
  return places.find((site) => isOurs(site));
}
