import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { PostgresError, RaceproofError, UsageError } from "./errors.js";
import { Lanes } from "./execution/lanes.js";
import type { AnyModel, Isolation } from "./execution/model.js";
import { asPostgresError } from "./postgres/connect.js";
import { openServer, sharedServer } from "./postgres/open.js";
import type { PostgresServer } from "./postgres/server.js";
import { interceptPg } from "./session/intercept.js";
import { gatePg } from "./session/pg.js";

/**
 * Opens a server, does something with it, and stops it.
 *
 * @param shared Whether it is one that other processes use, too: that one stays.
 * @throws {PostgresError} When it cannot be started, or goes away: then for that reason, whoever noticed first.
 */
export async function withServer<T>(
  postgres: string | undefined,
  body: (server: PostgresServer) => Promise<T>,
  shared = false,
): Promise<T> {
  gatePg(pg);
  interceptPg();
  const server = await (shared ? sharedServer(postgres) : openServer(postgres));
  try {
    return await Promise.race([body(server), death(server)]);
  } catch (error) {
    throw error instanceof UsageError ? error : await explained(error, server);
  } finally {
    if (!shared) await server.stop();
  }
}

/** Lanes at an isolation level, opened when they are first asked for. */
export type LanesAt = (isolation: Isolation) => Promise<Lanes>;

/** Does something with lanes, and closes them. */
export async function withLanes<T>(
  server: PostgresServer,
  model: AnyModel,
  count: number,
  body: (lanesAt: LanesAt) => Promise<T>,
): Promise<T> {
  const opened = new Map<Isolation, Promise<Lanes>>();
  try {
    return await body((isolation) => {
      const lanes = opened.get(isolation) ?? Lanes.open(server, model, count, isolation);
      opened.set(isolation, lanes);
      return lanes;
    });
  } finally {
    await Promise.allSettled([...opened.values()].map(async (lanes) => (await lanes).close()));
  }
}

async function death(server: PostgresServer): Promise<never> {
  throw await server.died;
}

/** How long the end of a server may take to be certain after a statement failed by it, in milliseconds. */
const noticeMs = 5_000;

async function explained(reason: unknown, server: PostgresServer): Promise<unknown> {
  const lost = reason instanceof PostgresError;
  if (!lost && (reason instanceof RaceproofError || !isFromPostgres(reason))) return reason;
  const patience = new AbortController();
  const died = await Promise.race([server.died, sleep(noticeMs, undefined, { signal: patience.signal })]);
  patience.abort();
  return died ?? asPostgresError(reason, `${server.description} failed us`);
}

/** What the driver throws has a SQLSTATE, or comes from its socket. */
function isFromPostgres(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  const isSocket =
    code === "EPIPE" || code === "ECONNRESET" || /Connection terminated|connection error/.test(error.message);
  return isSocket || (typeof code === "string" && severity !== undefined);
}
