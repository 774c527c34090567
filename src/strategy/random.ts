import seedrandom from "seedrandom";
import type { Scheduler, Strategy } from "./strategy.js";

/** Uniform over the pending steps, at every step. */
export function random(seed: string): Strategy {
  return {
    name: "random",
    scheduler(execution): Scheduler {
      const generator = seedrandom(`${seed}/schedule/${execution}`);
      return { choose: (choices) => Math.floor(generator() * choices.length) };
    },
  };
}
