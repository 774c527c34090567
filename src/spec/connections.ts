import pg from "pg";
import type { Lane } from "../execution/lane.js";
import { currentActor, runAsNobody } from "../session/context.js";
import { sessionOf } from "../session/session.js";
import type { PgClient } from "../session/pg-types.js";
import { RawQuery, type RawResult } from "./raw-query.js";
import { noticeText, type Notice } from "./result-text.js";
import type { Observer } from "./observer.js";
import type { SpecFile } from "./spec-file.js";

/** A lane's connections for a spec: one for each session, and one for setup and teardown. */
export class SpecConnections {
  readonly #control: pg.Client;
  /** By session. */
  readonly #clients: ReadonlyMap<string, pg.Client>;
  /** Who is told what the sessions send. */
  #observer: Observer | undefined;

  private constructor(control: pg.Client, clients: ReadonlyMap<string, pg.Client>) {
    this.#control = control;
    this.#clients = clients;
    for (const [session, client] of clients) this.#listen(session, client);
  }

  static async open(lane: Lane, { sessions }: SpecFile): Promise<SpecConnections> {
    const control = await connect(lane, "control connection");
    const clients = new Map<string, pg.Client>();
    for (const { name } of sessions) clients.set(name, await connect(lane, name));
    return new SpecConnections(control, clients);
  }

  observe(observer: Observer): void {
    this.#observer = observer;
  }

  /** Runs SQL on the control connection, or on a session's while it runs no step. */
  async exec(sql: string, session?: string): Promise<readonly RawResult[]> {
    const client = session === undefined ? this.#control : this.#clients.get(session)!;
    return runAsNobody(() => send(client, sql));
  }

  /** Runs a step in its session, as the actor that calls. */
  async step(session: string, sql: string): Promise<readonly RawResult[]> {
    const client = this.#clients.get(session)!;
    sessionOf(client)!.hold(currentActor()!, 1);
    return send(client, sql);
  }

  /** After the last step of a permutation: what comes next is nobody's step. */
  letGo(): void {
    for (const client of this.#clients.values()) sessionOf(client)?.letGo();
  }

  /** The session's process id. */
  pid(session: string): number {
    return (this.#clients.get(session) as unknown as PgClient).processID!;
  }

  /** Whether every session is outside a transaction. */
  get idle(): boolean {
    return [...this.#clients.values()].every((client) => sessionOf(client)?.transaction === "none");
  }

  async cancel(session: string): Promise<void> {
    await this.exec(`select pg_cancel_backend(${this.pid(session)})`);
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
    client.on("notice", (notice) => this.#observer?.notice(session, noticeText(notice as Notice)));
    client.on("notification", ({ channel, payload, processId }) => {
      const sender = [...this.#clients.keys()].find((name) => this.pid(name) === processId) ?? `PID ${processId}`;
      this.#observer?.notification(session, `NOTIFY "${channel}" with payload "${payload ?? ""}" from ${sender}\n`);
    });
  }
}

async function connect(lane: Lane, name: string): Promise<pg.Client> {
  // isolationtester appends the session to the name that it was started with.
  const client = new pg.Client({ application_name: `${process.env["PGAPPNAME"] ?? ""}/${name}` });
  client.on("error", () => undefined);
  lane.connections.adopt(client as unknown as PgClient);
  await runAsNobody(() => client.connect());
  return client;
}

async function send(client: pg.Client, sql: string): Promise<readonly RawResult[]> {
  const query = new RawQuery(sql);
  client.query(query as never);
  return query.results;
}
