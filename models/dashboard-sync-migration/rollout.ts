import type { Pool } from "pg";
import { dualRead } from "./code/dual-read.js";
import { noCounters } from "./code/no-counters.js";
import { safeDualRead } from "./code/safe-dual-read.js";
import { safeNoCounters } from "./code/safe-no-counters.js";
import { today } from "./code/today.js";
import type { Version } from "./code/version.js";
import { dropColumns, type Phase } from "./phases.js";
import { reconcileNaively } from "./reconcile.js";
import type { World } from "./world.js";

/** An order of doing things: what an implementation is in this model. */
export interface Rollout {
  /** The code that every process runs when the migration is in this phase, and nothing is under way. */
  readonly deployed: Readonly<Record<Phase, Version>>;
  /** What brings the migration from a phase to the next. Returns why it is put off, if it is. */
  readonly steps: Readonly<Record<Exclude<Phase, "done">, (world: World) => Promise<string | void>>>;
}

/**
 * The analysis' "Migration Path" in its own order: computed queries (1) with logging (2), reconciliation (3), columns
 * removed (4), and only then the code that counts (5).
 */
export function asWritten(pool: Pool): Rollout {
  const [v0, v1, v2] = [today(pool), dualRead(pool), noCounters(pool)];
  return {
    deployed: { before: v0, "dual read": v1, "ready to drop": v1, "columns dropped": v1, done: v2 },
    steps: {
      before: (world) => world.deploy(v1),
      "dual read": (world) => reconciling(world, () => reconcileNaively(pool)),
      "ready to drop": () => drop(pool),
      "columns dropped": (world) => world.deploy(v2),
    },
  };
}

/** The same with its last two steps exchanged, so that nobody counts any more when the columns go. */
export function stopCountingFirst(pool: Pool): Rollout {
  const [v0, v1, v2] = [today(pool), dualRead(pool), noCounters(pool)];
  return {
    deployed: { before: v0, "dual read": v1, "ready to drop": v2, "columns dropped": v2, done: v2 },
    steps: {
      before: (world) => world.deploy(v1),
      "dual read": async (world) => {
        await reconciling(world, () => reconcileNaively(pool));
        await world.deploy(v2);
      },
      "ready to drop": () => drop(pool),
      "columns dropped": async () => undefined,
    },
  };
}

/** Counting stops before pages have stopped to show the counter. */
export function stopCountingBeforeDualRead(pool: Pool): Rollout {
  const [v0, v2] = [today(pool), noCounters(pool)];
  return {
    deployed: { before: v0, "dual read": v0, "ready to drop": v2, "columns dropped": v2, done: v2 },
    steps: {
      before: (world) => world.deploy(v2, ["user", "worker A", "worker B"]),
      "dual read": (world) => world.deploy(v2, ["dashboard"]),
      "ready to drop": () => drop(pool),
      "columns dropped": async () => undefined,
    },
  };
}

/**
 * An order that holds, with a reconciliation that does:
 *
 * 1. The code that counts is put right first: the reconciliation has nothing to stand on while reports and retries are
 *    done in pieces. Pages show computed numbers from here on, and compare within one snapshot.
 * 2. Whoever still runs the older code is waited for. Then the reconciliation.
 * 3. Code that does not count, the pages first: they must not compare with a counter that nobody keeps any more.
 * 4. Whoever still counts is waited for. Then the columns go.
 */
export function inSafeOrder(pool: Pool, reconcile: (pool: Pool) => Promise<void>): Rollout {
  const [v0, v1, v2] = [today(pool), safeDualRead(pool), safeNoCounters(pool)];
  return {
    deployed: { before: v0, "dual read": v1, "ready to drop": v2, "columns dropped": v2, done: v2 },
    steps: {
      before: (world) => world.deploy(v1),
      "dual read": async (world) => {
        const late = await world.stillRunning(({ piecemeal }) => piecemeal);
        if (late !== undefined) return `put off: ${late} still runs the older code`;
        await reconciling(world, () => reconcile(pool));
        await world.deploy(v2);
      },
      "ready to drop": async (world) => {
        const late = await world.stillRunning(({ counts }) => counts);
        if (late !== undefined) return `put off: ${late} still counts`;
        await drop(pool);
      },
      "columns dropped": async () => undefined,
    },
  };
}

async function reconciling(world: World, reconcile: () => Promise<void>): Promise<void> {
  await reconcile();
  world.reconciled = true;
}

async function drop(pool: Pool): Promise<void> {
  await pool.query(dropColumns);
}
