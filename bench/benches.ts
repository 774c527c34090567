import type { Bench } from "./bench.js";
import { engine } from "./engine.js";
import { isolationtester } from "./spec.js";

/** All there are, in the order in which they run. */
export const benches: readonly Bench[] = [engine, isolationtester];
