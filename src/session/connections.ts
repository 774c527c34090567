import { setTimeout as sleep } from "node:timers/promises";
import type { ClientConfig } from "pg";
import { runAsNobody } from "./context.js";
import { makeDouble, wishes } from "./double.js";
import { baseClient } from "./own-classes.js";
import type { PgClient, PgClientClass, PgPool } from "./pg-types.js";
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

/** What is exchanged in a client so that it connects to our server: all that says where, and the socket to be. */
const whereabouts = ["connection", "host", "port", "user", "database", "ssl", "sslNegotiation"] as const;

/** A pool that goes unused for so many executions is not one that serves them all: an operation made it for itself. */
const executionsUnused = 3;

/** A client in no pool of `pg`'s may be one that a library keeps in its own, or one that an operation forgot to end. */
const clientUnused = 20;

/** How long is waited for connections to close, in milliseconds. */
const closing = 2_000;

/**
 * The gated connections of one lane. Every pool of the code under test has a double here, with the same options but for
 * where it connects to, so that a pool made once for the whole process serves executions on many databases.
 */
export class Connections {
  readonly #database: ClientConfig;
  readonly #options: string;
  readonly #doubles = new Map<PgPool, { readonly pool: PgPool; unused: number }>();
  readonly #standIns = new Map<PgClient, StandIn>();
  readonly #sessions = new Set<Session>();
  /** Whether any statement may leave state in its session, by a function that it calls. */
  stateful = false;
  /** Whether clients in no pool of `pg`'s were kept from execution to execution: by a library, in a pool of its own. */
  keepsClients = false;

  /**
   * @param superuser Whether the role of `database` may set what makes Postgres report lock waits.
   * @param isolation What transactions begin with that do not say otherwise.
   */
  constructor(database: ClientConfig, superuser: boolean, isolation: string) {
    this.#database = database;
    const level = `-c default_transaction_isolation=${isolation.replaceAll(" ", "\\ ")}`;
    this.#options = superuser ? `${reportWaits} ${level}` : level;
  }

  /** The backends that are ours. */
  sessionByPid(pid: number): Session | undefined {
    for (const session of this.#sessions) if (session.pid === pid) return session;
    return undefined;
  }

  /** Sessions of actors that are inside a transaction, and have nothing under way. */
  get idleInTransaction(): Session[] {
    return [...this.#sessions].filter(
      ({ holder, transaction, busy }) => holder !== undefined && transaction === "open" && !busy,
    );
  }

  /** Whether any session may have something locked that could hold this backend up. */
  mayHoldUp(pid: number): boolean {
    if (this.stateful) return true;
    for (const other of this.#sessions) {
      if (other.pid !== pid && (other.transaction !== "none" || other.dirty || other.busy)) return true;
    }
    return false;
  }

  get used(): boolean {
    return this.#sessions.size > 0;
  }

  /** This lane's double of a pool. */
  doubleOf(pool: PgPool): PgPool {
    const double = this.#doubles.get(pool) ?? { pool: makeDouble(pool, this.#clientClass(pool.Client)), unused: 0 };
    double.unused = 0;
    this.#doubles.set(pool, double);
    return double.pool;
  }

  /** Makes a client that the code under test created connect to this lane, gated, wherever it was to connect. */
  adopt(client: PgClient, pooled = false, asked = client.connectionParameters): Session {
    const target = new (baseClient(client))(this.#database) as unknown as Record<string, unknown>;
    const own = client as unknown as Record<string, unknown>;
    const parameters = (target as unknown as PgClient).connectionParameters;
    const options = [parameters["options"], asked["options"], this.#options].filter(Boolean).join(" ");
    for (const wish of wishes) parameters[wish] = asked[wish] ?? parameters[wish];
    parameters["options"] = options === "" ? undefined : options;
    client.connectionParameters = parameters;
    for (const key of whereabouts) own[key] = target[key];
    const password = { configurable: true, enumerable: false, writable: true, value: target["password"] };
    Object.defineProperty(client, "password", password);
    const session = new Session(client, pooled, this);
    this.#sessions.add(session);
    client.once("end", () => this.#sessions.delete(session));
    return session;
  }

  /** Takes from an actor the clients, in no pool of `pg`'s, that it does nothing with. */
  letGoOfIdle(actor: string): void {
    for (const session of this.#sessions)
      if (!session.pooled && session.holder?.context.actor === actor && session.idle && !session.dirty) session.letGo();
  }

  /**
   * What stands here for a client that is connected elsewhere: libraries with a pool of their own (Knex, Sequelize) keep
   * theirs from execution to execution, whatever the lane.
   */
  standInOf(client: PgClient): StandIn {
    const known = this.#standIns.get(client);
    if (known !== undefined && !known.session.lost && !known.session.ending) return known;
    const double = new (baseClient(client))(this.#database);
    (double as { _types?: unknown })._types = (client as { _types?: unknown })._types;
    for (const event of ["notification", "notice"])
      double.on(event, (...values: unknown[]) => void client.emit(event, ...values));
    const standIn: StandIn = {
      client: double,
      session: this.adopt(double, false, client.connectionParameters),
      open: undefined,
    };
    this.#standIns.set(client, standIn);
    double.once("end", () => {
      if (this.#standIns.get(client) === standIn) this.#standIns.delete(client);
    });
    return standIn;
  }

  /**
   * Makes the connections fit for the next execution: ends transactions that were left open, and closes what is still
   * checked out or carries state of its own.
   *
   * @returns What was left behind, in words; empty after code that cleans up after itself.
   */
  async tidy(): Promise<string[]> {
    const left: string[] = [];
    const under: Promise<unknown>[] = [];
    let dirty = false;
    for (const session of this.#sessions) {
      if (session.holder !== undefined) {
        // A library may keep a client in a pool of its own, where only it knows that it is free.
        const kept =
          !session.pooled && session.transaction === "none" && !session.dirty && !this.stateful && !session.busy;
        if (kept) {
          session.letGo();
          this.keepsClients = true;
          continue;
        }
        left.push(`${session.holder.name} never released its connection`);
        under.push(closeHeld(session));
      } else if (!session.pooled && !session.ending && ++session.unused > clientUnused) {
        under.push(closeHeld(session));
      } else if (!session.ending && session.transaction !== "none") {
        left.push("a connection was released inside a transaction");
        under.push(runAsNobody(() => session.client.query("rollback")) as Promise<unknown>);
      }
      session.dirty ||= this.stateful;
      dirty ||= session.dirty;
    }
    await Promise.all(under);
    for (const [pool, double] of this.#doubles) {
      if (dirty) await weed(double.pool);
      if (++double.unused <= executionsUnused) continue;
      this.#doubles.delete(pool);
      void double.pool.end();
    }
    return left;
  }

  /**
   * Cuts the connections of an actor whose process dies.
   *
   * @returns Their backends.
   */
  cut(actor: string): number[] {
    return [...this.#sessions].flatMap((session) => {
      const { client, pid, pooled, holder } = session;
      if (holder?.context.actor !== actor) return [];
      session.letGo();
      void session.break();
      if (pooled) client.release?.(true);
      return pid === null ? [] : [pid];
    });
  }

  /** Whether any connection was asked for with a time limit. */
  get haveTimeouts(): boolean {
    return [...this.#sessions].some(({ client: { connectionParameters } }) =>
      wishes.some((wish) => wish.includes("timeout") && Boolean(connectionParameters[wish])),
    );
  }

  /** Closes them all. */
  async close(): Promise<void> {
    for (const { pool } of this.#doubles.values()) void pool.end();
    this.#doubles.clear();
    const ends = [...this.#sessions].map((each) =>
      each.pooled && each.holder === undefined ? ended(each) : closeHeld(each),
    );
    await Promise.race([Promise.all(ends), sleep(closing, undefined, { ref: false })]);
  }

  #clientClass(base: PgClientClass): PgClientClass {
    const adopt = (client: PgClient) => this.adopt(client, true);
    return class extends base {
      constructor(config?: ClientConfig) {
        super(config);
        adopt(this);
      }
    };
  }
}

/** What stands on a lane for a client of somebody's. */
export interface StandIn {
  readonly client: PgClient;
  readonly session: Session;
  /** Set once it is being opened. */
  open: Promise<void> | undefined;
}

/** Settles when the backend is gone, and what it had locked is free: it closes the socket last. */
function ended({ client }: Session): Promise<void> {
  return new Promise((resolve) => {
    client.once("end", () => resolve());
  });
}

function closeHeld(session: Session): Promise<void> {
  const end = ended(session);
  session.letGo();
  if (session.pooled) session.client.release?.(true);
  else void session.client.end();
  return end;
}

/**
 * Closes the idle connections of a pool that carry state. A pool hands out its idle connections in an order of its own,
 * so all are taken out, and the good ones given back.
 */
async function weed(pool: PgPool): Promise<void> {
  const idle = await runAsNobody(() => Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()!)));
  const ends: Promise<void>[] = [];
  for (const client of idle.toReversed()) {
    const session = sessionOf(client);
    const dirty = session?.dirty === true;
    if (dirty) ends.push(ended(session));
    client.release?.(dirty);
  }
  await Promise.all(ends);
}
