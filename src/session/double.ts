import type { ClientConfig } from "pg";
import { baseClient, basePool } from "./own-classes.js";
import type { PgClient, PgClientClass, PgPool } from "./pg-types.js";
import { sessionOf } from "./session.js";

/** What a client asks for besides where to connect: this much of its options is kept. */
export const wishes = [
  "application_name",
  "fallback_application_name",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "query_timeout",
  "options",
] as const;

/**
 * Makes the pool that stands on a lane for one of the code under test: the same options, another database.
 *
 * @param client The class of its clients, which connect there.
 */
export function makeDouble(pool: PgPool, client: PgClientClass): PgPool {
  const options = {
    ...pool.options,
    ...wishesOf(pool),
    Client: client,
    connectionString: undefined,
    // Connections live as long as the lane: timers of the pool's own would close them in mid-run.
    idleTimeoutMillis: 0,
    maxLifetimeSeconds: 0,
    allowExitOnIdle: false,
    maxUses: Infinity,
  };
  const double = new (basePool(pool))(options, client);
  doubles.add(double);
  double.on("release", (_error: unknown, released: PgClient) => sessionOf(released)?.letGo());
  double.on("connect", (connected: PgClient) => {
    const session = sessionOf(connected);
    if (session !== undefined) session.settingUp = true;
    pool.emit("connect", connected);
    if (session !== undefined) session.settingUp = false;
  });
  for (const event of ["acquire", "release", "remove"])
    double.on(event, (...values: unknown[]) => void pool.emit(event, ...values));
  double.on("error", (error: unknown, failed: unknown) => {
    if (pool.listenerCount("error") > 0) pool.emit("error", error, failed);
  });
  return double;
}

/** What the options of a pool ask for, those in a connection string included. */
function wishesOf(pool: PgPool): Record<string, unknown> {
  try {
    const { connectionParameters } = new (baseClient(pool.Client.prototype as PgClient))(pool.options as ClientConfig);
    return Object.fromEntries(wishes.map((wish) => [wish, connectionParameters[wish]]));
  } catch {
    // It names a certificate that is not here, say: the string as a whole is not for us anyway.
    return {};
  }
}

const doubles = new WeakSet<object>();

/** Whether a pool is one that we made to stand for another. */
export function isDouble(pool: object): boolean {
  return doubles.has(pool);
}
