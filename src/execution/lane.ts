import pg from "pg";
import { PostgresError } from "../errors.js";
import type { PostgresServer } from "../postgres/server.js";
import type { Catalog } from "../footprint/catalog.js";
import { readCatalog } from "../footprint/read-catalog.js";
import { Connections } from "../session/connections.js";
import type { Session } from "../session/session.js";
import { changesSchema } from "../session/changes-schema.js";
import { BackendPause } from "./backend-pause.js";
import { connectControl, patiently, run } from "./control.js";
import { blockersOf, describeRow, waitingOf, type Waiting } from "./lock-waits.js";
import { fromModel, type AnyModel, type Isolation, type Rows, type State } from "./model.js";
import { pass } from "./passage.js";
import { resetsOf, type Resets } from "./resets.js";
import { failureIn, hasStatefulFunction, makeSchema, remakeSchema, stateStays, type Ground } from "./schema.js";
import { stateQueryOf } from "./state-query.js";

/** Where a database is. */
export interface Address {
  /** A name, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** In what a lane may differ from others on the same server. */
export interface LaneOptions {
  /** What transactions of the code under test begin with that do not say otherwise. */
  readonly isolation: Isolation;
  /** Whether sessions are as any client's are, with the server's own `deadlock_timeout`, so that we have to ask who waits. */
  readonly plain?: boolean;
  /** Whether waiters run on as soon as they can, all at once, where we could have them do so one after the other. */
  readonly freely?: boolean;
}

/**
 * Where executions run, one after the other: a database of its own with the model's schema, gated connections for the
 * code under test, and one ungated control connection for reset, state and lock waits.
 */
export class Lane {
  readonly connections: Connections;
  /** Postgres reports lock waits to the waiting session; where it may not, we poll. */
  readonly waitsAreReported: boolean;
  readonly #plain: boolean;
  readonly #backends: BackendPause;
  readonly #ground: Ground;
  readonly #model: AnyModel;
  readonly #stateQuery: string;
  readonly #resets: Resets;
  readonly #isolations = new WeakMap<Session, unknown>();
  #executions = 0;
  #schemaChanged = false;
  #stateStays = false;

  private constructor(
    server: PostgresServer,
    model: AnyModel,
    { plain = false, freely = false }: LaneOptions,
    ground: Ground,
    resets: Resets,
    stateQuery: string,
  ) {
    this.#model = model;
    this.#ground = ground;
    this.#resets = resets;
    this.#stateQuery = stateQuery;
    this.#plain = plain;
    this.waitsAreReported = server.superuser && !plain;
    this.connections = ground.connections;
    this.#backends = new BackendPause((server.kind === "embedded" || server.kind === "directory") && !freely);
  }

  /**
   * @throws {UsageError} When the model's schema or a state query is not valid SQL.
   * @throws {PostgresError} When the database cannot be made or reached.
   */
  static async open(server: PostgresServer, model: AnyModel, options: LaneOptions): Promise<Lane> {
    const database = await server.createDatabase();
    try {
      const control = await connectControl(database);
      const reported = server.superuser && options.plain !== true;
      const connections = new Connections(database.connection, reported, options.isolation);
      const ground = { database, control, connections };
      await makeSchema(model, ground, "");
      const resets = await resetsOf(control, server.superuser);
      const query = await stateQueryOf(model, control);
      connections.stateful = await hasStatefulFunction(control);
      await run(control, query, `the state queries of model "${model.name}"`);
      const lane = new Lane(server, model, options, ground, resets, query);
      lane.#stateStays = await stateStays(control, Object.values(model.state ?? {}));
      return lane;
    } catch (error) {
      await database.drop().catch(() => undefined);
      throw error;
    }
  }

  get #control(): pg.Client {
    return this.#ground.control;
  }

  /** Where the database is, for others to connect to; without a password. */
  get address(): Address {
    const { host, port, user, database } = new pg.Client(this.#ground.database.connection);
    return { host, port, user: user ?? "", database: database ?? this.#ground.database.name };
  }

  /**
   * Brings the database into an initial state, in one round trip.
   *
   * @param pristine Whether no place in a table may be taken by a dead row.
   */
  async reset(initial: unknown, pristine = false): Promise<void> {
    // Deleting is several times cheaper than truncating, but leaves dead rows behind.
    const empty = pristine || this.#executions++ % 100 === 99 ? this.#resets.truncate : this.#resets.empty;
    const rows: Rows = fromModel(this.#model, "seed", () => this.#model.seed(initial));
    if (this.#schemaChanged) await this.#restoreSchema();
    await run(
      this.#control,
      // Without `begin`: the statements are one transaction all the same, and an error leaves none open.
      `${patiently} ${empty} ${this.#resets.insert(rows)}`,
      `seeding model "${this.#model.name}" from ${JSON.stringify(initial)}`,
    );
    const prepare = fromModel(this.#model, "prepare", () => this.#model.prepare?.(initial) ?? "");
    if (prepare === "") return;
    this.#schemaChanged = true;
    await run(this.#control, prepare, `preparing model "${this.#model.name}" from ${JSON.stringify(initial)}`);
  }

  /**
   * Runs code of the model's that is no actor's on the lane's database.
   *
   * @throws {UsageError} When it fails.
   */
  async pass<T>(what: string, body: () => T | Promise<T>): Promise<T> {
    const place = `${what} of model "${this.#model.name}"`;
    try {
      return await pass(this.connections, place, (text) => this.noteStatement(text), body);
    } catch (error) {
      throw failureIn(place, error);
    }
  }

  /** Looks at a statement that is about to be sent: what changes the schema is undone before the next execution. */
  noteStatement(text: string): void {
    this.#schemaChanged ||= changesSchema(text);
  }

  /** Whether the state stays as it is until a statement has written to a table, by what can be seen of that statement. */
  get stateStays(): boolean {
    return this.#stateStays && !this.#schemaChanged;
  }

  async #restoreSchema(): Promise<void> {
    await remakeSchema(this.#model, this.#ground, this.waitsAreReported);
    this.#schemaChanged = false;
  }

  /**
   * The rows of the model's state queries, all from one snapshot, as an outside reader sees them; undefined while an
   * actor has locked a table against readers.
   */
  async state(): Promise<State | undefined> {
    try {
      const result = await this.#control.query<{ state: State }>({ name: "state", text: this.#stateQuery });
      return result.rows[0]?.state ?? {};
    } catch (error) {
      if ((error as { code?: unknown }).code === "55P03") return undefined;
      throw error;
    }
  }

  /**
   * The rows of the model's state queries as each open transaction sees them, by the session's name. Only of those that can
   * be asked without a trace: not where it would take a snapshot or a predicate lock that the code under test has not.
   *
   * @param begun Whether a session's transaction has run a statement already.
   */
  async views(begun: (session: string) => boolean): Promise<Map<string, State>> {
    const views = new Map<string, State>();
    for (const session of this.connections.idleInTransaction) {
      const { name } = session.holder!;
      const isolation = await this.#isolationOf(session, begun(name));
      if (isolation === "serializable" || (isolation === "repeatable read" && !begun(name))) continue;
      views.set(name, (await session.look(this.#stateQuery)).rows[0]?.["state"] as State);
    }
    return views;
  }

  /** Of the transaction that is open; it cannot change any more once that has run a statement. */
  async #isolationOf(session: Session, begun: boolean): Promise<unknown> {
    if (!begun || !this.#isolations.has(session)) {
      const { rows } = await session.look("show transaction_isolation");
      this.#isolations.set(session, rows[0]?.["transaction_isolation"]);
    }
    return this.#isolations.get(session);
  }

  /**
   * What a query that only reads would answer an outside reader now; undefined where that cannot be told.
   *
   * @param values As they were recorded.
   */
  async askAgain(text: string, values: readonly unknown[]): Promise<pg.QueryResult | undefined> {
    try {
      await this.#control.query("begin read only");
      return await this.#control.query(text, [...values]);
    } catch {
      return undefined;
    } finally {
      await this.#control.query("rollback");
    }
  }

  /** Keeps backends that wait for a lock from running on once it is granted, where they are processes of ours. */
  pause(pids: readonly number[]): void {
    this.#backends.pause(pids);
  }

  /** Takes {@link pause} back. */
  resume(pids: readonly number[]): void {
    this.#backends.resume(pids);
  }

  /** Who holds up each of these backends, if anybody does, and what it waits for. */
  waiting(pids: readonly number[]): Promise<Waiting[]> {
    return this.#plain ? this.blockers(pids) : waitingOf(this.#control, pids);
  }

  /** The same without what they wait for. */
  blockers(pids: readonly number[]): Promise<Waiting[]> {
    return blockersOf(this.#control, pids);
  }

  /** A row by its place, e.g. `row (run_id=1, partition_id=2) of worker_runs`, by its primary key where it has one. */
  describeRow(row: NonNullable<Waiting["row"]>): Promise<string> {
    return describeRow(this.#control, row);
  }

  /** Ends every backend of the lane but our own, and waits until they are gone. */
  async endBackends(): Promise<void> {
    await this.#control.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
  }

  /** What the catalog says of the model's schema. */
  async catalog(): Promise<Catalog> {
    if (this.#schemaChanged) await this.#restoreSchema();
    return readCatalog(this.#control);
  }

  /** Waits until these backends are gone, whose connections were cut: they have rolled back then, and hold no locks. */
  async awaitEnd(pids: readonly number[]): Promise<void> {
    if (pids.length === 0) return;
    this.resume(pids);
    const begin = performance.now();
    for (;;) {
      // One that waits for a lock does not look at its connection.
      const { rows } = await this.#control.query({ name: "ending", text: endingQuery, values: [pids] });
      if (rows.length === 0) return;
      if (performance.now() - begin > 5_000)
        throw new PostgresError("a backend whose connection was cut has not ended within 5 s");
    }
  }

  async close(): Promise<void> {
    await this.connections.close();
    await this.#control.end().catch(() => undefined);
    await this.#ground.database.drop();
  }
}

const endingQuery = `
  select a.pid, a.wait_event_type = 'Lock' and pg_terminate_backend(a.pid)
  from unnest($1::int[]) as p(pid), pg_stat_get_activity(p.pid) a`;
