import { readFileSync } from "node:fs";
import { defineModel } from "../../src/index.js";
import type { DashboardSync } from "./implementation.js";
import { fixed } from "./implementations/fixed.js";
import { legacy } from "./implementations/legacy.js";
import { initials, queueOf, seed, simplify, type Initial, type Target } from "./initial.js";
import { display, invariants, stateQueries } from "./invariants.js";
import { deliver, doubleRetry, redeliver, retry, type Work } from "./operations.js";
import type { Queue } from "./queue.js";

const sql = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

type Parameters = {
  deliver: Work;
  redeliver: Work;
  retry: Target;
  "double retry": Target;
};

/**
 * The bug of the dashboard whose failure counter, flags and rows drift apart when workers fail, messages are redelivered
 * and users press retry, once or twice.
 */
export default defineModel<Initial, DashboardSync, Queue, Parameters>({
  name: "dashboard-sync",
  schema: sql("./schema.sql") + sql("./observer.sql"),
  implementations: {
    legacy: {
      expect: {
        violates: ["counter equals failed flags", "counter equals failed rows", "counter is never clamped"],
      },
      create: ({ pool }) => legacy(pool),
    },
    fixed: { expect: "holds", create: ({ pool }) => fixed(pool) },
  },
  initial: initials,
  seed,
  world: queueOf,
  operations: { deliver, redeliver, retry, "double retry": doubleRetry },
  actors: {
    "worker A": ["deliver", "redeliver"],
    "worker B": ["deliver", "redeliver"],
    user: ["retry", "double retry"],
  },
  state: stateQueries,
  invariants,
  display,
  simplify,
});
