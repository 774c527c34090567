import type { Connections } from "./connections.js";
import { runAs, runAsNobody, type ActorContext } from "./context.js";
import { inOneWrite } from "./one-write.js";
import { leavesState } from "./leaves-state.js";
import type { PgClient, PgNotice } from "./pg-types.js";
import type { Statement } from "./statement.js";

/** Who has a connection checked out, and under which name its steps appear. */
export interface Holder {
  readonly context: ActorContext;
  readonly slot: number;
  readonly name: string;
}

const transactionStates = { I: "none", T: "open", E: "failed" } as const;

const sessions = new WeakMap<object, Session>();

let open = 0;

/** How many gated connections are open in this process. */
export function openSessions(): number {
  return open;
}

/** The session that a client's statements belong to; undefined for a client that is not gated. */
export function sessionOf(client: object): Session | undefined {
  return sessions.get(client);
}

/**
 * One gated connection. Its statements are steps, taken in the order in which they were issued; the first of them is
 * shown to the gate, and nothing reaches Postgres before the gate lets it through.
 */
export class Session {
  readonly client: PgClient;
  /** Whether it belongs to a pool. */
  readonly pooled: boolean;
  /** The actor that has it checked out. */
  holder: Holder | undefined;
  transaction: "none" | "open" | "failed" = "none";
  /** Whether the code under test has closed the connection. */
  ending = false;
  /** Whether the connection is gone by itself. */
  lost = false;
  /** Whether it is gone because we broke it, as a network or a process that dies does. */
  cut = false;
  /** Whether it carries state that outlives a transaction. */
  dirty = false;
  /** Whether no statement has been sent yet that says more than how to work. */
  fresh = true;
  /** In how many executions in a row nobody used it. */
  unused = 0;
  /** Whether Postgres tells it nothing of its lock waits, as the code under test will have it. */
  isSilent = false;
  /** While set, statements pass ungated: the pool's own set-up of a new connection. */
  settingUp = false;
  readonly #queue: Statement[] = [];
  #sent: Statement | undefined;

  /** @param owner The connections that it is one of. */
  constructor(
    client: PgClient,
    pooled: boolean,
    readonly owner: Connections,
  ) {
    this.client = client;
    this.pooled = pooled;
    sessions.set(client, this);
    // After `connect`, so that the client's own listener, which calls the query's callback, runs before ours.
    client.once("connect", () => {
      open++;
      client.once("end", () => open--);
      inOneWrite(client.connection.stream);
      client.connection.on("readyForQuery", (message) => this.#ready(message.status));
    });
    client.once("end", () => this.#ended());
    this.#listen(client);
  }

  /** Backend's process id. */
  get pid(): number | null {
    return this.client.processID;
  }

  /** Whether a statement is under way. */
  get busy(): boolean {
    return this.#sent !== undefined;
  }

  /** Whether nothing is under way or wants to be, and no transaction is open. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.transaction === "none";
  }

  /** @param slot The actor's number for this connection. */
  hold(context: ActorContext, slot: number): void {
    this.unused = 0;
    this.holder = { context, slot, name: slot === 1 ? context.actor : `${context.actor}#${slot}` };
  }

  letGo(): void {
    this.holder?.context.gate.giveBack(this.holder.context.actor, this.holder.slot);
    this.holder = undefined;
  }

  /**
   * Runs a query of ours on this connection, as its transaction sees things; only while nothing of the actor's own is under
   * way.
   */
  look(sql: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }> {
    this.settingUp = true;
    const answer = runAsNobody(() => this.client.query(sql)) as ReturnType<Session["look"]>;
    this.settingUp = false;
    return answer;
  }

  submit(statement: Statement): void {
    this.fresh = false;
    this.#queue.push(statement);
    if (this.#queue.length === 1) statement.gate.arrived(statement);
  }

  send(statement: Statement, instead: string | undefined): void {
    if (leavesState.test(statement.text)) this.dirty = true;
    this.#sent = statement;
    statement.run(instead);
  }

  /** Breaks the connection; resolves when the driver has noticed. */
  break(): Promise<void> {
    this.cut = true;
    const end = new Promise<void>((resolve) => {
      this.client.once("end", () => resolve());
    });
    this.client.connection.stream.destroy();
    return end;
  }

  /** Takes an answered statement off the queue; the next one may now be let through. */
  finish(statement: Statement): void {
    const at = this.#queue.indexOf(statement);
    if (at >= 0) this.#queue.splice(at, 1);
    const next = this.#queue[0];
    if (at === 0 && next !== undefined) next.gate.arrived(next);
  }

  #ready(status: string): void {
    this.transaction = transactionStates[status as keyof typeof transactionStates] ?? "none";
    // An error is reported before Postgres has rolled back and given up its locks; only now is the statement over.
    if (this.#sent?.hasResult === true) this.complete(this.#sent);
  }

  /** The statement is over, if it is the one under way. */
  complete(statement: Statement): void {
    if (this.#sent !== statement) return;
    this.#sent = undefined;
    statement.answered(this.transaction);
  }

  #ended(): void {
    this.lost ||= !this.ending;
    this.transaction = "none";
    const statement = this.#sent;
    if (statement === undefined) return;
    // The driver fails the query a tick before or after this event; give it the chance to do so.
    setImmediate(() => {
      if (!statement.hasResult) statement.take(new Error("Connection terminated unexpectedly"), undefined);
      this.complete(statement);
    });
  }

  /** Keeps Postgres' reports of lock waits for us, and a lost connection from ending the process. */
  #listen(client: PgClient): void {
    const emit = client.emit.bind(client);
    client.emit = (event: string, ...values: unknown[]): boolean => {
      if (event === "notice" && (values[0] as PgNotice).severity === "LOG") {
        this.#reported(values[0] as PgNotice);
        return true;
      }
      if (event === "error") {
        this.lost = !this.ending;
        // A process that died has nobody left to listen.
        if (client.listenerCount("error") === 0 || (this.cut && this.holder === undefined)) return false;
      }
      // The socket is nobody's, but whoever listens to what Postgres tells this connection is the actor that holds it.
      const told = event === "notice" || event === "notification";
      if (told && this.holder !== undefined) return runAs(this.holder.context, () => emit(event, ...values));
      return emit(event, ...values);
    };
  }

  #reported(notice: PgNotice): void {
    const waiting = /still waiting for (.+?) after [\d.]+ ms/.exec(notice.message ?? "");
    // The number of the database is another one in each lane.
    const lock = waiting?.[1]?.replace(/(advisory lock \[)\d+,/, "$1").replace(/ of database \d+$/, "");
    if (lock !== undefined) this.#sent?.waiting({ lock, where: notice.where ?? null });
  }
}
