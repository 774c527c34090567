import pg from "pg";
import { conflict } from "../../src/footprint/conflict.js";
import type { Catalog } from "../../src/footprint/catalog.js";
import type { Footprint } from "../../src/footprint/footprint.js";
import { Footprints, type Ending, type PendingStep } from "../../src/footprint/footprints.js";
import { readCatalog } from "../../src/footprint/read-catalog.js";
import { summaryOf } from "../../src/footprint/words.js";
import type { PostgresServer } from "../../src/postgres/server.js";

/** The catalog of a database with this schema. */
export async function catalogOf(server: PostgresServer, schema: string): Promise<Catalog> {
  const database = await server.createDatabase();
  const client = new pg.Client(database.connection);
  await client.connect();
  try {
    await client.query(schema);
    return await readCatalog(client);
  } finally {
    await client.end();
    await database.drop();
  }
}

/** A statement with its parameters. */
export type Sql = string | readonly [text: string, ...values: readonly unknown[]];

export function stepOf(session: string, sql: Sql, more: Partial<PendingStep> = {}): PendingStep {
  const [text, ...values] = typeof sql === "string" ? [sql] : sql;
  return { actor: session.replace(/#.*/, ""), session, kind: "statement", text, values, ...more };
}

/** Sessions that take steps as if Postgres had answered each of them. */
export class Players {
  readonly footprints: Footprints;
  readonly #open = new Map<string, Ending["transaction"]>();

  constructor(catalog: Catalog, isolation: "read committed" | "repeatable read" | "serializable" = "read committed") {
    this.footprints = new Footprints(catalog, isolation);
  }

  /** Takes steps that succeed. */
  did(session: string, ...steps: readonly Sql[]): this {
    for (const sql of steps) this.#take(stepOf(session, sql), "rows");
    return this;
  }

  /** Takes a step that fails. */
  failed(session: string, sql: Sql): Footprint {
    return this.#take(stepOf(session, sql), "error");
  }

  /** Takes a step that finds this many rows. */
  answered(session: string, sql: Sql, rowCount: number): this {
    this.#take(stepOf(session, sql), "rows", rowCount);
    return this;
  }

  /** Takes a step that waits for a lock. */
  waits(session: string, sql: Sql): this {
    this.footprints.sent(stepOf(session, sql));
    return this;
  }

  #take(step: PendingStep, kind: "rows" | "error", rowCount: number | null = null): Footprint {
    const before = this.#open.get(step.session) ?? "none";
    const after = kind === "error" && before === "open" ? "failed" : statusAfter(step.text, before);
    this.#open.set(step.session, after);
    this.footprints.sent(step);
    return this.footprints.taken(step, { transaction: after, outcome: { kind, rowCount }, waited: false });
  }

  of(session: string, sql: Sql, more?: Partial<PendingStep>): Footprint {
    return this.footprints.of(stepOf(session, sql, more));
  }

  /** Why a's and b's next steps may not be swapped; asked both ways. */
  why(a: Sql, b: Sql): string | undefined {
    return whyOf(this.of("a", a), this.of("b", b));
  }
}

/** Why two steps may not be swapped, after checking that it is so either way. */
export function whyOf(a: Footprint, b: Footprint): string | undefined {
  const [one, other] = [conflict(a, b), conflict(b, a)];
  if ((one === undefined) !== (other === undefined)) throw new Error(`asymmetric: ${summaryOf(a)} | ${summaryOf(b)}`);
  return one?.reason;
}

function statusAfter(text: string, before: Ending["transaction"]): Ending["transaction"] {
  if (/^\s*(begin|start)/i.test(text)) return before === "none" ? "open" : before;
  if (/^\s*rollback to/i.test(text)) return "open";
  return /^\s*(commit|rollback|end|abort)/i.test(text) ? "none" : before;
}
