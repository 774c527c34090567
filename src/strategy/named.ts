import { exhaustive } from "./exhaustive.js";
import { pct } from "./pct.js";
import { pos } from "./pos.js";
import { random } from "./random.js";
import type { Strategy } from "./strategy.js";
import { urw } from "./urw.js";

/** How deep PCT looks unless told otherwise: most races need two or three steps in a certain order. */
const usualDepth = 3;

/** What {@link strategyNamed} understands, for messages. */
export const strategyNames = "portfolio, exhaustive, random, urw, pos, pct or pct:DEPTH";

/** What `portfolio` samples with, in turn. */
export function samplers(seed: string): readonly Strategy[] {
  return [urw(seed), pos(seed), pct(seed, usualDepth), random(seed)];
}

/**
 * A strategy by its name, but for `portfolio`, which is made of the others.
 *
 * @returns Undefined for a name that there is not.
 */
export function strategyNamed(name: string, seed: string): Strategy | undefined {
  const depth = /^pct(?::([1-9]\d?))?$/.exec(name);
  if (depth !== null) return pct(seed, depth[1] === undefined ? usualDepth : Number(depth[1]));
  return { exhaustive, random: random(seed), urw: urw(seed), pos: pos(seed) }[name];
}
