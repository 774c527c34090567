import type { ClientConfig } from "pg";
import { runAsNobody } from "./context.js";
import type { PgClient, PgClientClass, PgPool, PgPoolClass } from "./pg-types.js";
import { Session, sessionOf } from "./session.js";

/**
 * Makes Postgres itself report a lock wait to the waiting session, the moment its deadlock check has passed.
 *
 * The least `deadlock_timeout` there is (1 ms) has two effects we live by: a wait is known a millisecond after it began
 * without anybody asking, and of a deadlock the last to arrive is the victim, always. Only a superuser may set these.
 */
const reportWaits = "-c deadlock_timeout=1ms -c log_lock_waits=on -c client_min_messages=log -c lc_messages=C";

/** The settings of gated connections that differ from what the server has; they belong into every report. */
export const sessionSettings: Readonly<Record<string, string>> = { deadlock_timeout: "1ms", log_lock_waits: "on" };

/**
 * The gated connections of one lane. Every pool of the code under test has a double here, with the same options but for
 * where it connects to, so that a pool made once for the whole process serves executions on many databases.
 */
export class Connections {
  readonly #config: ClientConfig;
  readonly #doubles = new Map<PgPool, PgPool>();
  readonly #sessions = new Set<Session>();

  /** @param superuser Whether the role of `database` may set what makes Postgres report lock waits. */
  constructor(database: ClientConfig, superuser: boolean) {
    this.#config = superuser
      ? { ...database, options: [database.options, reportWaits].filter(Boolean).join(" ") }
      : database;
  }

  /** The backends that are ours. */
  sessionByPid(pid: number): Session | undefined {
    for (const session of this.#sessions) if (session.pid === pid) return session;
    return undefined;
  }

  /** This lane's double of a pool. */
  doubleOf(pool: PgPool): PgPool {
    const known = this.#doubles.get(pool);
    if (known !== undefined) return known;
    const double = makeDouble(pool, this.#configFor(pool.options), this.#clientClass(pool.Client));
    this.#doubles.set(pool, double);
    return double;
  }

  /** Makes a client that the code under test created by itself connect to this lane, gated. */
  adopt(client: PgClient): Session {
    const target = new (client.constructor as PgClientClass)(
      this.#configFor({ application_name: client.connectionParameters.application_name }),
    );
    for (const key of ["connectionParameters", "connection", "host", "port", "user", "database", "ssl"] as const) {
      (client as unknown as Record<string, unknown>)[key] = (target as unknown as Record<string, unknown>)[key];
    }
    Object.defineProperty(client, "password", {
      configurable: true,
      enumerable: false,
      writable: true,
      value: (target as unknown as { password: unknown }).password,
    });
    return this.#track(client);
  }

  /**
   * Makes the connections fit for the next execution: ends transactions that were left open, and closes what is still
   * checked out or carries state of its own.
   *
   * @returns What was left behind, in words; empty after code that cleans up after itself.
   */
  async tidy(): Promise<string[]> {
    const left: string[] = [];
    const retired = new Set<PgPool>();
    for (const session of this.#sessions) {
      if (session.holder !== undefined) {
        left.push(`${session.holder.name} never released its connection`);
        session.letGo();
        await this.#close(session, retired);
      } else if (session.transaction !== "none") {
        left.push("a connection was released inside a transaction");
        await runAsNobody(() => session.client.query("rollback"));
      }
      if (session.dirty) await this.#close(session, retired);
    }
    return left;
  }

  async close(): Promise<void> {
    const doubles = [...this.#doubles.values()];
    this.#doubles.clear();
    const open = [...this.#sessions].map(async (session) => {
      if (session.holder !== undefined) await this.#close(session, new Set());
    });
    await Promise.allSettled(open);
    await Promise.allSettled(doubles.map(async (double) => double.end()));
  }

  /** A connection in a pool is closed with its whole pool: there is no public way to take a single idle one out. */
  async #close(session: Session, retired: Set<PgPool>): Promise<void> {
    this.#sessions.delete(session);
    for (const [pool, double] of this.#doubles) {
      if (!(double as PgPool & { _clients: PgClient[] })._clients.includes(session.client)) continue;
      if (session.client.release !== undefined && session.transaction !== "none") session.client.release(true);
      this.#doubles.delete(pool);
      if (!retired.has(double)) {
        retired.add(double);
        void double.end();
      }
      return;
    }
    await session.client.end();
  }

  #configFor(options: Readonly<Record<string, unknown>>): ClientConfig & Record<string, unknown> {
    const userOptions = typeof options["options"] === "string" ? options["options"] : undefined;
    return {
      ...options,
      connectionString: undefined,
      ssl: false,
      password: undefined,
      ...this.#config,
      options: [userOptions, this.#config.options].filter(Boolean).join(" ") || undefined,
    };
  }

  #clientClass(base: PgClientClass): PgClientClass {
    const track = (client: PgClient) => this.#track(client);
    return class extends base {
      constructor(config?: ClientConfig) {
        super(config);
        track(this);
      }
    };
  }

  #track(client: PgClient): Session {
    const session = new Session(client);
    this.#sessions.add(session);
    client.once("end", () => this.#sessions.delete(session));
    return session;
  }
}

function makeDouble(pool: PgPool, config: Record<string, unknown>, client: PgClientClass): PgPool {
  // Connections live as long as the lane: timers of the pool's own would close them in mid-run.
  const options = { ...config, idleTimeoutMillis: 0, maxLifetimeSeconds: 0, allowExitOnIdle: false, maxUses: Infinity };
  const double = new (basePool(pool))(options, client);
  doubles.add(double);
  double.on("release", (_error: unknown, released: PgClient) => sessionOf(released)?.letGo());
  double.on("connect", (connected: PgClient) => {
    const session = sessionOf(connected);
    if (session !== undefined) session.settingUp = true;
    pool.emit("connect", connected);
    if (session !== undefined) session.settingUp = false;
  });
  double.on("error", (error: unknown, failed: unknown) => {
    if (pool.listenerCount("error") > 0) pool.emit("error", error, failed);
  });
  return double;
}

const doubles = new WeakSet<object>();

/** Whether a pool is one that we made to stand for another. */
export function isDouble(pool: object): boolean {
  return doubles.has(pool);
}

/** `pg-pool`'s own class: what `pg.Pool`, and whatever the user derived from it, is built on. */
function basePool(pool: PgPool): PgPoolClass {
  let prototype = Object.getPrototypeOf(pool) as object;
  while (!Object.hasOwn(prototype, "newClient")) prototype = Object.getPrototypeOf(prototype) as object;
  return prototype.constructor as PgPoolClass;
}
