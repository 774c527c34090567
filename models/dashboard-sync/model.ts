import { readFileSync } from "node:fs";
import type { Pool } from "pg";
import { defineModel } from "../../src/index.js";
import { claims } from "./claims.js";
import { examples } from "./examples.js";
import { expectations, type ImplementationName } from "./expectations.js";
import type { DashboardSync } from "./implementation.js";
import { fixed } from "./implementations/fixed.js";
import { fixedWithoutLock } from "./implementations/fixed-without-lock.js";
import { legacy } from "./implementations/legacy.js";
import { option1aCountPartitions } from "./implementations/option-1a-count-partitions.js";
import { option1aRepaired } from "./implementations/option-1a-repaired.js";
import { option1bCountWorkerRuns } from "./implementations/option-1b-count-worker-runs.js";
import { option1bRepaired } from "./implementations/option-1b-repaired.js";
import { option2AtomicReset } from "./implementations/option-2-atomic-reset.js";
import { option2Repaired } from "./implementations/option-2-repaired.js";
import { option2ThrowingUpdate } from "./implementations/option-2-throwing-update.js";
import { option3AdvisoryLock } from "./implementations/option-3-advisory-lock.js";
import { option3LockHeld } from "./implementations/option-3-lock-held.js";
import { option3Repaired } from "./implementations/option-3-repaired.js";
import { initials, queueOf, seed, simplify, type Initial } from "./initial.js";
import { invariants } from "./invariants.js";
import { display, stateQueries } from "./state.js";
import { actors, operations, type Parameters } from "./operations.js";
import type { Queue } from "./queue.js";
import { reference } from "./reference.js";

const sql = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

/** As they stand in the analysis, each broken one followed by what it lacked. */
const implementations: Readonly<Record<ImplementationName, (pool: Pool) => DashboardSync>> = {
  legacy,
  "option-1a-count-partitions": option1aCountPartitions,
  "option-1a-repaired": option1aRepaired,
  "option-1b-count-worker-runs": option1bCountWorkerRuns,
  "option-1b-repaired": option1bRepaired,
  "option-2-atomic-reset": option2AtomicReset,
  "option-2-throwing-update": option2ThrowingUpdate,
  "option-2-repaired": option2Repaired,
  "option-3-advisory-lock": option3AdvisoryLock,
  "option-3-lock-held": option3LockHeld,
  "option-3-repaired": option3Repaired,
  "fixed-without-lock": fixedWithoutLock,
  fixed,
};

/**
 * The bug of the dashboard whose failure counter, flags and rows drift apart when workers fail, messages are redelivered
 * and users press retry, once or twice; and every way out that the analysis of it proposes.
 */
export default defineModel<Initial, DashboardSync, Queue, Parameters>({
  name: "dashboard-sync",
  schema: sql("./schema.sql") + sql("./fixed.sql") + sql("./observer.sql"),
  implementations: Object.fromEntries(
    Object.entries(implementations).map(([name, create]) => [
      name,
      { expect: expectations[name as ImplementationName], create: ({ pool }) => create(pool) },
    ]),
  ),
  initial: initials,
  seed,
  world: queueOf,
  operations,
  actors,
  state: stateQueries,
  invariants,
  reference,
  faults: {
    "worker A": ["crash", "lost answer", "serialization failure", "deadlock"],
    "worker B": ["crash", "lost answer", "serialization failure"],
    user: ["crash", "lost answer", "serialization failure"],
    "other user": ["lost answer"],
    "back office": ["crash", "lost answer"],
    dashboard: ["lost answer", "serialization failure"],
  },
  crashed: ({ world: queue, actor }) => queue.release(actor),
  claims,
  examples,
  display,
  simplify,
});
