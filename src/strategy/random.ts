import { sampling } from "./sampling.js";
import type { Strategy } from "./strategy.js";

/** Uniform over the pending steps, at every step. */
export function random(seed: string): Strategy {
  return sampling("random", seed, (generator) => ({ choose: (choices) => Math.floor(generator() * choices.length) }));
}
