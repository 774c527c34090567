import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { UsageError } from "../errors.js";
import type { Lane } from "../execution/lane.js";
import { currentActor, runAsNobody } from "../session/context.js";
import { sessionOf } from "../session/session.js";
import type { PgClient } from "../session/pg-types.js";
import { RawQuery, type RawResult } from "./raw-query.js";
import { noticeText, type Notice } from "./result-text.js";
import type { Observer } from "./observer.js";
import type { SpecFile } from "./spec-file.js";

/** How long a setup or a teardown may take, in seconds. */
const longest = 60;

/** A lane's connections for a spec: one for each session, and one for setup and teardown. */
export class SpecConnections {
  readonly #control: pg.Client;
  /** By session. */
  readonly #clients: ReadonlyMap<string, pg.Client>;
  /** The steps under way, by session. */
  readonly #steps = new Map<string, RawQuery>();
  /** Who is told what the sessions send. */
  #observer: Observer | undefined;

  private constructor(control: pg.Client, clients: ReadonlyMap<string, pg.Client>) {
    this.#control = control;
    this.#clients = clients;
    for (const [session, client] of clients) this.#listen(session, client);
  }

  static async open(lane: Lane, { sessions }: SpecFile): Promise<SpecConnections> {
    const names = ["control connection", ...sessions.map(({ name }) => name)];
    const [control, ...clients] = await Promise.all(names.map((name) => connect(lane, name)));
    return new SpecConnections(control!, new Map(sessions.map(({ name }, i) => [name, clients[i]!])));
  }

  observe(observer: Observer): void {
    this.#observer = observer;
  }

  /**
   * Runs SQL on the control connection, or on a session's while it runs no step.
   *
   * @throws {UsageError} When it does not answer: a transaction that a session has left open holds it up.
   */
  async exec(sql: string, session?: string): Promise<readonly RawResult[]> {
    const client = session === undefined ? this.#control : this.#clients.get(session)!;
    const patience = new AbortController();
    const answered = runAsNobody(() => send(client, new RawQuery(sql)));
    const late = sleep(1000 * longest, undefined, { signal: patience.signal, ref: false }).catch(() => undefined);
    const results = await Promise.race([answered, late]);
    patience.abort();
    if (results !== undefined) return results;
    throw new UsageError(
      `this has not answered for ${longest} seconds: ${sql.trim()}\nA session has probably left a transaction open that it waits for; end it in a step, or in the session's teardown.`,
    );
  }

  /** Runs a step in its session, as the actor that calls. */
  async step(session: string, sql: string): Promise<readonly RawResult[]> {
    const client = this.#clients.get(session)!;
    sessionOf(client)!.hold(currentActor()!, 1);
    const query = new RawQuery(sql);
    this.#steps.set(session, query);
    const results = await send(client, query);
    this.#steps.delete(session);
    return results;
  }

  /** After the last step of a permutation: what comes next is nobody's step. */
  letGo(): void {
    for (const client of this.#clients.values()) sessionOf(client)?.letGo();
  }

  /** The session's process id. */
  pid(session: string): number {
    return (this.#clients.get(session) as unknown as PgClient).processID!;
  }

  /** State of the session's transaction. */
  transaction(session: string): "none" | "open" | "failed" {
    return sessionOf(this.#clients.get(session)!)!.transaction;
  }

  /** Whether every session is outside a transaction. */
  get idle(): boolean {
    return [...this.#clients.values()].every((client) => sessionOf(client)?.transaction === "none");
  }

  async cancel(session: string): Promise<void> {
    await this.exec(`select pg_cancel_backend(${this.pid(session)})`);
  }

  /** What there is in the database, by number: the same before and after if nothing was left behind. */
  async inventory(): Promise<string> {
    const counts = catalogs.map((catalog) => `(select count(*) from ${catalog})`);
    return JSON.stringify(await this.exec(`select ${counts.join(", ")}`));
  }

  /** How many bytes the rows of all tables take. */
  async bytes(): Promise<number> {
    const [tables] = await this.exec(tablesQuery);
    if (tables?.kind !== "rows") return 0;
    const [sizes] = await this.exec(`select ${tables.rows.map(([sum]) => sum).join(" + ") || "0"}`);
    return sizes?.kind === "rows" ? Number(sizes.rows[0]?.[0]) : 0;
  }

  /** Whether anything may end a wait by itself. */
  async haveTimeouts(): Promise<boolean> {
    const [result] = await this.exec(
      `select 1 from pg_settings where name like any ('{lock_timeout,statement_timeout,transaction_timeout,idle%timeout}') and setting <> '0'`,
    );
    return result?.kind === "rows" && result.rows.length > 0;
  }

  async close(): Promise<void> {
    await Promise.allSettled(
      [this.#control, ...this.#clients.values()].map((client) => runAsNobody(() => client.end())),
    );
  }

  #listen(session: string, client: pg.Client): void {
    client.on("notice", (notice) => {
      this.#observer?.notice(session, noticeText(notice as Notice), this.#steps.get(session)?.next);
    });
    client.on("notification", ({ channel, payload, processId }) => {
      const sender = [...this.#clients.keys()].find((name) => this.pid(name) === processId) ?? `PID ${processId}`;
      this.#observer?.notification(session, `NOTIFY "${channel}" with payload "${payload ?? ""}" from ${sender}\n`);
    });
  }
}

const catalogs =
  "class type proc namespace constraint trigger rewrite operator cast extension event_trigger policy statistic_ext collation default_acl"
    .split(" ")
    .map((name) => `pg_${name}`);

const tablesQuery = `
  select format('(select coalesce(sum(pg_column_size(t.*) + 8), 0) from %I.%I t)', nspname, relname)
  from pg_class c join pg_namespace n on n.oid = relnamespace
  where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')`;

async function connect(lane: Lane, name: string): Promise<pg.Client> {
  // isolationtester appends the session to the name that it was started with.
  const client = new pg.Client({ application_name: `${process.env["PGAPPNAME"] ?? ""}/${name}` });
  client.on("error", () => undefined);
  lane.connections.adopt(client as unknown as PgClient);
  await runAsNobody(() => client.connect());
  return client;
}

async function send(client: pg.Client, query: RawQuery): Promise<readonly RawResult[]> {
  client.query(query as never);
  return query.results;
}
