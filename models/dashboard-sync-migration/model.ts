import { readFileSync } from "node:fs";
import type { Pool } from "pg";
import { defineModel } from "../../src/index.js";
import { claims } from "./claims.js";
import { examples } from "./examples.js";
import { expectations, type RolloutName } from "./expectations.js";
import { initials, prepare, seedOf, type MigrationInitial } from "./initial.js";
import { display, invariants, stateQueries } from "./invariants.js";
import { actors, operations, type Parameters } from "./operations.js";
import { reconcileNaively, reconcileUnderRowLocks, reconcileUnderTableLocks } from "./reconcile.js";
import { asWritten, inSafeOrder, stopCountingBeforeDualRead, stopCountingFirst, type Rollout } from "./rollout.js";
import { World } from "./world.js";

const sql = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

const rollouts: Readonly<Record<RolloutName, (pool: Pool) => Rollout>> = {
  "as-written": asWritten,
  "stop-counting-first": stopCountingFirst,
  "stop-counting-before-dual-read": stopCountingBeforeDualRead,
  "safe-order-naive-reconciliation": (pool) => inSafeOrder(pool, reconcileNaively),
  "safe-order-row-locks": (pool) => inSafeOrder(pool, reconcileUnderRowLocks),
  "safe-rollout": (pool) => inSafeOrder(pool, reconcileUnderTableLocks),
};

/**
 * The phased migration of the analysis, which ends without counters: orders of rolling it out, each step interleaved with
 * traffic, old code and new code side by side.
 */
export default defineModel<MigrationInitial, Rollout, World, Parameters>({
  name: "dashboard-sync-migration",
  schema: sql("../dashboard-sync/schema.sql") + sql("./discrepancy-log.sql"),
  implementations: Object.fromEntries(
    Object.entries(rollouts).map(([name, create]) => [
      name,
      { expect: expectations[name as RolloutName], create: ({ pool }) => create(pool) },
    ]),
  ),
  initial: initials,
  seed: seedOf,
  prepare,
  world: (initial) => new World(initial),
  operations,
  actors,
  state: stateQueries,
  invariants,
  crashed: ({ world, actor }) => world.queue.release(actor),
  claims,
  examples,
  display,
});
