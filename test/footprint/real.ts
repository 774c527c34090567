import pg from "pg";
import type { Catalog } from "../../src/footprint/catalog.js";
import { conflict } from "../../src/footprint/conflict.js";
import type { Footprint } from "../../src/footprint/footprint.js";
import { Footprints } from "../../src/footprint/footprints.js";
import { readCatalog } from "../../src/footprint/read-catalog.js";
import { summaryOf } from "../../src/footprint/words.js";
import type { PostgresServer } from "../../src/postgres/server.js";
import { stepOf, type Sql } from "./support.js";

export type Name = "a" | "b" | "c";
const names: readonly Name[] = ["a", "b", "c"];

/** Steps that sessions take before a's and b's next steps are compared. */
export interface Pair {
  readonly before: readonly (readonly [Name, Sql])[];
  readonly a: Sql;
  readonly b: Sql;
}

/** A database with a schema and rows, and three sessions that take steps in it. */
export class Arena {
  readonly catalog: Catalog;
  readonly #monitor: pg.Client;
  readonly #actors: ReadonlyMap<Name, Actor>;
  readonly #reset: string;
  readonly #state: string;
  readonly #drop: () => Promise<void>;

  private constructor(
    catalog: Catalog,
    monitor: pg.Client,
    actors: ReadonlyMap<Name, Actor>,
    scene: Scene,
    drop: () => Promise<void>,
  ) {
    this.catalog = catalog;
    this.#monitor = monitor;
    this.#actors = actors;
    this.#reset = scene.rows;
    this.#state = scene.state;
    this.#drop = drop;
  }

  static async open(server: PostgresServer, scene: Scene): Promise<Arena> {
    const database = await server.createDatabase();
    const monitor = new pg.Client(database.connection);
    await monitor.connect();
    await monitor.query(scene.schema);
    const actors = new Map<Name, Actor>();
    for (const name of names) {
      const client = new pg.Client(database.connection);
      await client.connect();
      await client.query(
        "set log_lock_waits = on; set client_min_messages = log; set deadlock_timeout = 1; set synchronous_commit = off",
      );
      actors.set(name, new Actor(client));
    }
    return new Arena(await readCatalog(monitor), monitor, actors, scene, () => database.drop());
  }

  async close(): Promise<void> {
    for (const actor of this.#actors.values()) await actor.client.end();
    await this.#monitor.end();
    await this.#drop();
  }

  /** What footprints say of a pair, and what Postgres says of both orders of it. */
  async judge(pair: Pair): Promise<Judgement> {
    const forth = await this.#run(pair, ["a", "b"]);
    if (forth === undefined) return { kind: "impossible" };
    if (forth.conflicts.every((each) => each !== undefined)) return { kind: "conflict" };
    const back = await this.#run(pair, ["b", "a"]);
    if (back === undefined) return { kind: "impossible" };
    const same = JSON.stringify(forth.seen) === JSON.stringify(back.seen);
    if (same) return { kind: "commutes" };
    const again = await this.#run(pair, ["a", "b"]);
    if (JSON.stringify(again?.seen) !== JSON.stringify(forth.seen)) return { kind: "impossible" };
    return { kind: "wrong", forth, back };
  }

  async #run(pair: Pair, order: readonly ["a" | "b", "a" | "b"]): Promise<Run | undefined> {
    await this.#monitor.query(this.#reset);
    const footprints = new Footprints(this.catalog, "read committed");
    try {
      for (const [name, sql] of pair.before) await this.#step(footprints, name, sql);
      const [first, second] = order;
      if (this.#actor("a").isWaiting || this.#actor("b").isWaiting) return undefined;
      const predicted = names.slice(0, 2).map((name) => footprints.of(stepOf(name, name === "a" ? pair.a : pair.b)));
      const done = await this.#step(footprints, first, pair[first]);
      // As an exhaustive strategy compares them: the first with what it turned out to be, the second as of then.
      const refined = done ?? predicted[first === "a" ? 0 : 1]!;
      const later = footprints.of(stepOf(second, pair[second]));
      await this.#step(footprints, second, pair[second]);
      const conflicts = [conflict(predicted[0]!, predicted[1]!)?.reason, conflict(refined, later)?.reason];
      const settled = names.map((name) => this.#actor(name).isWaiting);
      await this.#finish();
      const { rows } = await this.#monitor.query(this.#state);
      const answers = names.map((name) => [...this.#actor(name).answers]);
      return { conflicts, summaries: predicted.map(summaryOf), seen: { answers, settled, state: rows } };
    } finally {
      await this.#clean();
    }
  }

  #actor(name: Name): Actor {
    return this.#actors.get(name)!;
  }

  /** @returns What its footprint turned out to be; undefined if it waits. */
  async #step(footprints: Footprints, name: Name, sql: Sql): Promise<Footprint | undefined> {
    const actor = this.#actor(name);
    if (actor.isWaiting) return undefined;
    const step = stepOf(name, sql);
    footprints.sent(step);
    actor.send(sql);
    await actor.settled();
    const before = [...names].filter((other) => other !== name && this.#actor(other).isWaiting);
    const footprint = actor.isWaiting ? undefined : this.#tell(footprints, name);
    await this.#resume();
    for (const other of before) if (!this.#actor(other).isWaiting) this.#tell(footprints, other);
    return footprint;
  }

  #tell(footprints: Footprints, name: Name): Footprint {
    const { transaction, last } = this.#actor(name);
    return footprints.taken(stepOf(name, last.sql), {
      transaction,
      outcome: last.failed ? { kind: "error" } : { kind: "rows", rowCount: last.rowCount },
      waited: last.waited,
    });
  }

  /** Lets those go on whom nobody blocks any more. */
  async #resume(): Promise<void> {
    for (;;) {
      const waiting = names.map((name) => this.#actor(name)).filter(({ isWaiting }) => isWaiting);
      if (waiting.length === 0) return;
      const waits = new Map(waiting.map((actor) => [actor, actor.waits]));
      const { rows } = await this.#monitor.query<{ pid: number }>(
        "select pid from unnest($1::int[]) pid where cardinality(pg_blocking_pids(pid)) = 0",
        [waiting.map(({ pid }) => pid)],
      );
      const free = waiting.filter(({ pid }) => rows.some((row) => row.pid === pid));
      if (free.length === 0) return;
      for (const actor of free) await actor.resumed(waits.get(actor)!);
    }
  }

  /** Transactions look at everything, then commit. */
  async #finish(): Promise<void> {
    for (const sql of [this.#state, ...Array.from({ length: 6 }, () => "commit")]) {
      for (const name of names) {
        const actor = this.#actor(name);
        if (actor.isWaiting || actor.transaction === "none") continue;
        actor.send(sql);
        await actor.settled();
        await this.#resume();
      }
    }
  }

  async #clean(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const name of names) {
        const actor = this.#actor(name);
        if (actor.isWaiting) continue;
        // Advisory locks of a session outlive its transaction, and others may wait for them.
        actor.send("rollback; select pg_advisory_unlock_all()");
        await actor.settled();
        await this.#resume();
      }
    }
    for (const actor of this.#actors.values()) {
      await actor.client.query("deallocate all; reset default_transaction_isolation");
      actor.answers.length = 0;
    }
  }
}

export interface Scene {
  readonly name: string;
  readonly schema: string;
  /** SQL that brings the rows back. */
  readonly rows: string;
  /** SQL of one query that shows them. */
  readonly state: string;
}

interface Run {
  readonly conflicts: readonly (string | undefined)[];
  readonly summaries: readonly string[];
  readonly seen: { readonly answers: unknown; readonly settled: unknown; readonly state: unknown };
}

export type Judgement =
  | { readonly kind: "impossible" | "conflict" | "commutes" }
  | { readonly kind: "wrong"; readonly forth: Run; readonly back: Run };

/** One session: its answers, and whether it waits for a lock. */
class Actor {
  readonly client: pg.Client;
  answers: unknown[] = [];
  isWaiting = false;
  /** How many waits it has begun. */
  waits = 0;
  transaction: "none" | "open" | "failed" = "none";
  last = lastOf("");
  #busy = false;
  #changed: () => void = () => undefined;

  constructor(client: pg.Client) {
    this.client = client;
    client.on("notice", ({ message }) => {
      if (message?.includes("still waiting for") !== true) return;
      this.isWaiting = true;
      this.waits++;
      this.last.waited = true;
      this.#changed();
    });
    const statuses = { I: "none", T: "open", E: "failed" } as const;
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    connection.on("readyForQuery", ({ status }: { status: keyof typeof statuses }) => {
      this.transaction = statuses[status];
      if (!this.#busy) return;
      this.#busy = false;
      this.isWaiting = false;
      this.#changed();
    });
  }

  get pid(): number {
    return (this.client as unknown as { processID: number }).processID;
  }

  send(sql: Sql): void {
    const [text, ...values] = typeof sql === "string" ? [sql] : sql;
    this.#busy = true;
    this.last = lastOf(sql);
    const { last } = this;
    this.client.query(text, values).then(
      (result) => this.#answered(result),
      (error: { code: string }) => {
        last.failed = true;
        this.answers.push(error.code);
      },
    );
  }

  #answered(result: pg.QueryResult | pg.QueryResult[]): void {
    this.last.rowCount = [result].flat().at(-1)?.rowCount ?? null;
    this.answers.push(answerOf(result));
  }

  /** It has answered, or waits. */
  async settled(): Promise<void> {
    while (this.#busy && !this.isWaiting) await this.#change();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /**
   * It has answered, or waits again.
   *
   * @param waits How many waits it had begun when nobody was found to block it.
   */
  async resumed(waits: number): Promise<void> {
    if (this.waits === waits) this.isWaiting = false;
    await this.settled();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

/** What is known of the last statement. */
function lastOf(sql: Sql) {
  return { sql, failed: false, waited: false, rowCount: null as number | null };
}

/** Rows in no order. */
function answerOf(result: pg.QueryResult | pg.QueryResult[]): unknown {
  return [result].flat().map(({ rowCount, rows }) => [rowCount, rows.map((row) => JSON.stringify(row)).toSorted()]);
}
