import type { Bench } from "./bench.js";
import { engine } from "./engine.js";
import { firstViolation } from "./first-violation.js";
import { lockWait } from "./lock-wait.js";
import { memory } from "./memory.js";
import { reduction } from "./reduction.js";
import { isolationtester } from "./spec.js";

/** All there are, in the order in which they run. */
export const benches: readonly Bench[] = [engine, isolationtester, reduction, firstViolation, lockWait, memory];
