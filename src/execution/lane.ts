import pg from "pg";
import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { urlOf, type Database, type PostgresServer } from "../postgres/server.js";
import type { Catalog } from "../footprint/catalog.js";
import { readCatalog } from "../footprint/read-catalog.js";
import { Connections } from "../session/connections.js";
import { runAsNobody } from "../session/context.js";
import { changesSchema } from "../session/changes-schema.js";
import { leavesState } from "../session/leaves-state.js";
import { inOneWrite } from "../session/one-write.js";
import type { PgClient } from "../session/pg-types.js";
import { fromModel, schemaText, withPlace, type AnyModel, type Isolation, type Rows, type State } from "./model.js";
import { pass } from "./passage.js";
import { assignedPool } from "./pool.js";

/** What Postgres says of a backend that may be waiting. */
export interface Waiting {
  readonly pid: number;
  /** Process ids of the backends that hold it up; empty when nothing does. */
  readonly blockers: readonly number[];
  /** Mode and object of the lock it waits for. */
  readonly lock: string | null;
  /** The row it is in line for, where there is a row. */
  readonly row: { readonly relation: string; readonly ctid: string } | null;
}

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

/** In milliseconds. */
const longestPause = 250;

/**
 * Where executions run, one after the other: a database of its own with the model's schema, gated connections for the
 * code under test, and one ungated control connection for reset, state and lock waits.
 */
export class Lane {
  readonly connections: Connections;
  /** Postgres reports lock waits to the waiting session; where it may not, we poll. */
  readonly waitsAreReported: boolean;
  /** Whether backends are processes of ours, on this machine. */
  readonly #ownsBackends: boolean;
  readonly #plain: boolean;
  readonly #paused = new Set<number>();
  #resuming: NodeJS.Timeout | undefined;
  readonly #database: Database;
  readonly #control: pg.Client;
  readonly #model: AnyModel;
  readonly #stateQuery: string;
  readonly #resets: Resets;
  #executions = 0;
  #schemaChanged = false;

  private constructor(
    server: PostgresServer,
    model: AnyModel,
    { plain = false, freely = false }: LaneOptions,
    { database, control, connections }: Ground,
    resets: Resets,
    stateQuery: string,
  ) {
    this.#model = model;
    this.#database = database;
    this.#control = control;
    this.#resets = resets;
    this.#stateQuery = stateQuery;
    this.#plain = plain;
    this.waitsAreReported = server.superuser && !plain;
    this.connections = connections;
    this.#ownsBackends = (server.kind === "embedded" || server.kind === "directory") && !freely;
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
      const query = stateQuery(model.state ?? (await statesOfTables(control)));
      connections.stateful = await hasStatefulFunction(control);
      await run(control, query, `the state queries of model "${model.name}"`);
      return new Lane(server, model, options, ground, resets, query);
    } catch (error) {
      await database.drop().catch(() => undefined);
      throw error;
    }
  }

  /** Where the database is, for others to connect to; without a password. */
  get address(): Address {
    const { host, port, user, database } = new pg.Client(this.#database.connection);
    return { host, port, user: user ?? "", database: database ?? this.#database.name };
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

  /** Makes the schema anew; only its tables' rows can be brought back otherwise. */
  async #restoreSchema(): Promise<void> {
    const drop = this.waitsAreReported ? dropSchemas : "drop owned by current_user cascade;";
    const ground = { database: this.#database, control: this.#control, connections: this.connections };
    await makeSchema(this.#model, ground, `${patiently} ${drop}`);
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
      const isolation = (await session.look("show transaction_isolation")).rows[0]?.["transaction_isolation"];
      if (isolation === "serializable" || (isolation === "repeatable read" && !begun(name))) continue;
      views.set(name, (await session.look(this.#stateQuery)).rows[0]?.["state"] as State);
    }
    return views;
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

  /**
   * Keeps backends that wait for a lock from running on once it is granted, where they are processes of ours. Not for
   * long: one whose wait was just then ended by a timeout may hold what all the others need.
   */
  pause(pids: readonly number[]): void {
    if (!this.#ownsBackends || pids.length === 0) return;
    signal(pids, "SIGSTOP");
    for (const pid of pids) this.#paused.add(pid);
    this.#resuming ??= setTimeout(() => this.resume([...this.#paused]), longestPause).unref();
  }

  /** Takes {@link pause} back. */
  resume(pids: readonly number[]): void {
    const paused = pids.filter((pid) => this.#paused.delete(pid));
    signal(paused, "SIGCONT");
    if (this.#paused.size > 0) return;
    clearTimeout(this.#resuming);
    this.#resuming = undefined;
  }

  /** Who holds up each of these backends, if anybody does, and what it waits for. */
  async waiting(pids: readonly number[]): Promise<Waiting[]> {
    if (this.#plain) return this.blockers(pids);
    return (await this.#control.query<Waiting>({ name: "waiting", text: waitingQuery, values: [pids] })).rows;
  }

  /** The same without what they wait for. */
  async blockers(pids: readonly number[]): Promise<Waiting[]> {
    return (await this.#control.query<Waiting>({ name: "blockers", text: blockersQuery, values: [pids] })).rows;
  }

  /** A row by its place, e.g. `row (run_id=1, partition_id=2) of worker_runs`, by its primary key where it has one. */
  async describeRow({ relation, ctid }: { readonly relation: string; readonly ctid: string }): Promise<string> {
    try {
      const key = await this.#control.query<{ columns: string | null }>(primaryKeyQuery, [relation]);
      const columns = key.rows[0]?.columns;
      if (columns === null || columns === undefined) return `row ${ctid} of ${relation}`;
      const row = await this.#control.query<{ key: Record<string, unknown> }>(
        `select to_json(k) as key from (select ${columns} from ${relation} where ctid = $1::tid) k`,
        [ctid],
      );
      const found = row.rows[0]?.key;
      if (found === undefined) return `a row of ${relation}`;
      return `row (${Object.entries(found)
        .map(([column, value]) => `${column}=${String(value)}`)
        .join(", ")}) of ${relation}`;
    } catch {
      return `row ${ctid} of ${relation}`;
    }
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
    await this.#database.drop();
  }
}

/** What a lane stands on. */
interface Ground {
  readonly database: Database;
  readonly control: pg.Client;
  readonly connections: Connections;
}

/** @param before SQL to run before it. */
async function makeSchema(model: AnyModel, { database, control, connections }: Ground, before: string): Promise<void> {
  const { schema } = model;
  const place = `the schema of model "${model.name}"`;
  await run(control, `${before} ${schemaText(model)}`, place);
  if (typeof schema === "string") return;
  const empty = { pool: assignedPool, url: urlOf(database.connection) };
  try {
    await pass(connections, place, undefined, () => schema(empty));
  } catch (error) {
    throw failureIn(place, error);
  }
  // What a migration says of the database or the role holds for connections that are opened after it.
  await connections.close();
}

/** A failure in code of the model's: it is the model that is wrong. */
function failureIn(place: string, error: unknown): RaceproofError {
  return error instanceof RaceproofError ? error : new UsageError(`${place} threw ${withPlace(error)}`);
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It is gone, which its connection will tell.
    }
  }
}

/** All that a schema can have made. A role that is no superuser has made what it owns. */
const dropSchemas = `do $raceproof$ declare s text; begin
  for s in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
    execute format('drop schema %I cascade', s);
  end loop;
  create schema public;
end $raceproof$;`;

/** For what must not happen: that somebody has something locked when we reset. */
const patiently = "set local lock_timeout = 10000;";

async function connectControl(database: Database): Promise<pg.Client> {
  // Who wants to look does not wait for long; {@link patiently} does.
  const control = new pg.Client({ ...database.connection, application_name: "raceproof", lock_timeout: 100 });
  // Its loss shows in the next query; without a listener it would end the process.
  control.on("error", () => undefined);
  await runAsNobody(() => control.connect());
  inOneWrite((control as unknown as PgClient).connection.stream);
  return control;
}

async function run(client: pg.Client, sql: string, what: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    const { code, message, position } = error as { code?: string; message: string; position?: string };
    if (code === undefined || /^(08|57)/.test(code))
      throw new PostgresError(`Postgres went away during ${what}: ${message}`);
    const near = position === undefined ? "" : `, near: ${sql.slice(Math.max(0, Number(position) - 1)).slice(0, 60)}`;
    throw new UsageError(`Postgres refuses ${what}: ${message} (${code})${near}`);
  }
}

/** One statement, so that all the queries see the same snapshot and JSON keeps integers as numbers. */
function stateQuery(queries: Readonly<Record<string, string>>): string {
  const parts = Object.entries(queries).map(
    ([name, sql]) =>
      `${pg.escapeLiteral(name)}, (select coalesce(json_agg(q), '[]') from (${sql.replace(/;\s*$/, "")}\n) q)`,
  );
  return `select json_build_object(${parts.join(", ")}) as state`;
}

/**
 * Every table, for models that do not say what their state is. Columns whose values differ from run to run are left out:
 * times, and keys that somebody draws at random.
 */
async function statesOfTables(control: pg.Client): Promise<Record<string, string>> {
  const { rows } = await control.query<{ name: string; query: string }>(statesQuery);
  return Object.fromEntries(rows.map(({ name, query }) => [name, query]));
}

interface Resets {
  readonly empty: string;
  readonly truncate: string;
  insert(rows: Rows): string;
}

/** How to bring the schema's tables back to what the schema left in them. */
async function resetsOf(control: pg.Client, superuser: boolean): Promise<Resets> {
  const tables = (await control.query<Table>(tablesQuery)).rows;
  const restart = await textsOf(control, sequencesQuery);
  const refresh = await textsOf(control, viewsQuery);
  const names = tables.map(({ name }) => name);
  const truncate = names.length === 0 ? "" : `truncate ${names.join(", ")} cascade;`;
  const remove = tables.map(({ name, only }) => `delete from ${only}${name};`).join(" ");
  const [before, after] = superuser ? withoutTriggers : await withoutOwnTriggers(control);
  const base: string[] = [];
  for (const table of tables) base.push(...(await rowsOf(control, table)));
  return {
    empty: `${before} ${superuser ? remove : truncate} ${restart}`,
    truncate: `${before} ${truncate} ${restart}`,
    insert: (rows) => {
      const seeds = Object.entries(rows).map(([table, items]) => insertRows(quote(table), items));
      return [...base, ...seeds, after, refresh].join(" ");
    },
  };
}

interface Table {
  readonly name: string;
  /** `only `, where a plain table's statements would reach tables that inherit from it. */
  readonly only: string;
  /** Those that can be inserted into. */
  readonly columns: string | null;
}

async function textsOf(control: pg.Client, query: string): Promise<string> {
  return (await control.query<{ text: string }>(query)).rows.map(({ text }) => `${text};`).join(" ");
}

/** As a replica no trigger and no foreign key fires, so the order of the tables does not matter. */
const withoutTriggers = ["set local session_replication_role = replica;", ""] as const;

/** The same for a role that may not be a replica: foreign keys are checked last, and triggers are disabled one by one. */
async function withoutOwnTriggers(control: pg.Client): Promise<readonly [before: string, after: string]> {
  await control.query(await textsOf(control, foreignKeysQuery));
  const disable = await textsOf(control, triggersQuery("disable"));
  const enable = await textsOf(control, triggersQuery("enable"));
  return [`set constraints all deferred; ${disable}`, `set constraints all immediate; ${enable}`];
}

/** The statement that brings back the rows that the schema itself put into a table. They stay text: JSON in JavaScript has no `bigint`. */
async function rowsOf(control: pg.Client, { name, only, columns }: Table): Promise<string[]> {
  if (columns === null) return [];
  const found = await control.query<{ rows: string | null }>(
    `select json_agg(t)::text as rows from (select ${columns} from ${only}${name}) t`,
  );
  const rows = found.rows[0]?.rows ?? null;
  return rows === null ? [] : [insertJson(name, columns, rows)];
}

function insertJson(table: string, columns: string, rows: string): string {
  return `insert into ${table} (${columns}) overriding system value select ${columns} from json_populate_recordset(null::${table}, ${pg.escapeLiteral(rows)});`;
}

/** Rows with the same columns go in one statement. */
function insertRows(table: string, rows: readonly Readonly<Record<string, unknown>>[]): string {
  const groups = new Map<string, unknown[]>();
  for (const row of rows) {
    const columns = Object.keys(row)
      .map((column) => pg.escapeIdentifier(column))
      .join(", ");
    groups.set(columns, [...(groups.get(columns) ?? []), row]);
  }
  return [...groups]
    .map(([columns, group]) =>
      columns === ""
        ? group.map(() => `insert into ${table} default values;`).join(" ")
        : insertJson(table, columns, JSON.stringify(group)),
    )
    .join(" ");
}

function quote(name: string): string {
  return name
    .split(".")
    .map((part) => pg.escapeIdentifier(part))
    .join(".");
}

/** Whether a function of the schema may leave something in the session that calls it. */
async function hasStatefulFunction(control: pg.Client): Promise<boolean> {
  const { rows } = await control.query<{ source: string | null }>(functionsQuery);
  return rows.some(({ source }) => source !== null && leavesState.test(source));
}

const ours =
  "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'";

const tablesQuery = `
  select format('%I.%I', n.nspname, c.relname) as name, case c.relkind when 'r' then 'only ' else '' end as only,
    (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and ${ours} order by 1`;

const statesQuery = `
  select case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as name,
    format('select %s from %I.%I order by %s', string_agg(quote_ident(a.attname), ', ' order by attnum), n.nspname, c.relname,
      string_agg(case when t.typname in ('json', 'xml', 'point') then format('%I::text', a.attname) else quote_ident(a.attname) end, ', ' order by attnum)) as query
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
  join pg_type t on t.oid = a.atttypid
  where c.relkind in ('r', 'p') and not c.relispartition and ${ours} and c.relname !~* 'migration'
    and t.typname not in ('timestamp', 'timestamptz', 'date', 'time', 'timetz', 'interval', 'uuid', 'bytea')
  group by n.nspname, c.relname order by 1 limit 40`;

/** Sequences as the schema left them: it may have taken values for rows of its own. */
const sequencesQuery = `
  select format('select setval(%L, %s, %L)', format('%I.%I', n.nspname, c.relname),
    coalesce(pg_sequence_last_value(c.oid), s.seqstart), pg_sequence_last_value(c.oid) is not null) as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid
  where ${ours} order by 1`;

const viewsQuery = `
  select format('refresh materialized view %I.%I', n.nspname, c.relname) as text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'm' and c.relispopulated and ${ours} order by c.oid`;

const foreignKeysQuery = `
  select format('alter table %I.%I alter constraint %I deferrable', n.nspname, c.relname, k.conname) as text
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
  where k.contype = 'f' and not k.condeferrable and k.conparentid = 0 and ${ours} order by 1`;

const triggersQuery = (change: "disable" | "enable") => `
  select format('alter table %I.%I ${change} trigger %I', n.nspname, c.relname, t.tgname) as text
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  where not t.tgisinternal and t.tgenabled = 'O' and t.tgparentid = 0 and ${ours} order by 1`;

const functionsQuery = `
  select case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end as source
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ours}`;

/** Ten times cheaper than with the names of the locks. */
const blockersQuery = `
  select pid, pg_blocking_pids(pid) || pg_safe_snapshot_blocking_pids(pid) as blockers, null as lock, null as row
  from unnest($1::int[]) as p(pid)`;

const waitingQuery = `
  with locks as materialized (select * from pg_locks where pid = any ($1::int[]))
  select p.pid, pg_blocking_pids(p.pid) || pg_safe_snapshot_blocking_pids(p.pid) as blockers,
    w.mode || ' on ' || case w.locktype
      when 'transactionid' then 'transaction ' || w.transactionid
      when 'relation' then 'relation ' || w.relation::regclass
      when 'tuple' then format('tuple (%s,%s) of %s', w.page, w.tuple, w.relation::regclass)
      when 'advisory' then format('advisory lock [%s,%s,%s,%s]', w.database, w.classid, w.objid, w.objsubid)
      else w.locktype end as lock,
    case when t.relation is not null then
      json_build_object('relation', t.relation::regclass::text, 'ctid', format('(%s,%s)', t.page, t.tuple)) end as row
  from unnest($1::int[]) as p(pid)
  left join lateral (select * from locks where pid = p.pid and not granted limit 1) w on true
  left join lateral (select * from locks where pid = p.pid and locktype = 'tuple' limit 1) t on true`;

const endingQuery = `
  select a.pid, a.wait_event_type = 'Lock' and pg_terminate_backend(a.pid)
  from unnest($1::int[]) as p(pid), pg_stat_get_activity(p.pid) a`;

const primaryKeyQuery = `
  select string_agg(quote_ident(a.attname), ', ' order by array_position(i.indkey::int2[], a.attnum)) as columns
  from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indrelid = $1::regclass and i.indisprimary`;
