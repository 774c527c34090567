import type { Lane } from "../execution/lane.js";
import type { Waiting } from "../execution/lock-waits.js";

/** How long isolationtester lets a step wait before it cancels it. */
export interface Patience {
  /** In seconds. */
  readonly seconds: number;
  /** Whether a timeout or a signal may end a wait: then it has to be waited for. */
  readonly interrupts: boolean;
}

/**
 * As isolationtester finds it: in PGISOLATIONTIMEOUT up to Postgres 15, as twice PG_TEST_TIMEOUT_DEFAULT since.
 *
 * @param version Of the server, e.g. `18.4`: the isolationtester meant is the one that belongs to it.
 */
export function secondsOfPatience(version: string, env: NodeJS.ProcessEnv = process.env): number {
  const own = Number(env["PGISOLATIONTIMEOUT"]);
  const shared = Number(env["PG_TEST_TIMEOUT_DEFAULT"]);
  if (own > 0) return own;
  if (shared > 0) return 2 * shared;
  return Number.parseInt(version, 10) < 16 ? 300 : 360;
}

/**
 * Whether a session waits for what can never come: following who holds up whom, one comes to sessions that wait for
 * nothing, which take no step before this one has gone on. Not so where there is a circle, as Postgres breaks deadlocks.
 *
 * @param awaited The backend whose step has to end before any other may be launched.
 * @param waiters All backends that wait.
 */
export async function isHopeless(lane: Lane, awaited: number, waiters: readonly number[]): Promise<boolean> {
  const waiting = new Map((await lane.waiting(waiters)).map((each) => [each.pid, each]));
  return leadsToIdle(awaited, waiting, []);
}

function leadsToIdle(pid: number, waiting: ReadonlyMap<number, Waiting>, path: readonly number[]): boolean {
  const blockers = waiting.get(pid)?.blockers;
  // It does not wait, and is somebody who holds others up: only a further step would change that.
  if (blockers === undefined) return path.length > 0;
  if (blockers.length === 0) return false;
  return blockers.every(
    (blocker) => blocker !== pid && !path.includes(blocker) && leadsToIdle(blocker, waiting, [...path, pid]),
  );
}
