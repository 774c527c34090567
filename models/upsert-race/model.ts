import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";

interface Site {
  /** What stands on the page, which is then counted as seen. */
  view(page: string): Promise<string>;
  /** Takes the count out of the table; what it was. */
  flush(page: string): Promise<number>;
}

const site = (pool: Pool, count: (page: string) => Promise<void>): Site => ({
  async view(page) {
    const { rows } = await pool.query<{ body: string }>("SELECT body FROM page WHERE name = $1", [page]);
    await count(page);
    return rows[0]!.body;
  },
  async flush(page) {
    const { rows } = await pool.query<{ count: number }>("DELETE FROM views WHERE page = $1 RETURNING count", [page]);
    return rows[0]?.count ?? 0;
  },
});

/** Updates the row, or inserts it, or, if somebody else was faster to do so, updates theirs. Which may be gone again. */
const broken = (pool: Pool): Site =>
  site(pool, async (page) => {
    const update = () => pool.query("UPDATE views SET count = count + 1 WHERE page = $1", [page]);
    if ((await update()).rowCount === 1) return;
    try {
      await pool.query("INSERT INTO views (page, count) VALUES ($1, 1)", [page]);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "23505") throw error;
      await update();
    }
  });

/** Has Postgres do it, which tries until either succeeds. */
const correct = (pool: Pool): Site =>
  site(pool, async (page) => {
    await pool.query(
      "INSERT INTO views (page, count) VALUES ($1, 1) ON CONFLICT (page) DO UPDATE SET count = views.count + 1",
      [page],
    );
  });

/**
 * Upsert by hand: update, else insert, else update. The careful version, which knows that another insert may come first,
 * and not that the row may have been deleted once more by the time it updates.
 *
 * Counters that are flushed, caches that expire, queues keyed by what they hold. The loop in Postgres' own example from
 * the time before ON CONFLICT was there for this. The correct code is one statement.
 *
 * Smallest counterexample: 3 operations, 4 switches (update nothing | the other view | fail to insert | flush | update
 * nothing). Random testing has to be lucky four times.
 */
export default defineModel({
  name: "upsert-race",
  schema: `
    CREATE TABLE page (name text PRIMARY KEY, body text NOT NULL);
    CREATE TABLE views (page text PRIMARY KEY, count int NOT NULL)`,
  implementations: {
    broken: { expect: { violates: ["every view is counted"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constant(null),
  seed: () => ({ page: [{ name: "home", body: "welcome" }] }),
  operations: {
    view: {
      parameters: fc.constant("home"),
      describe: (page) => `view ${page}`,
      run: ({ implementation }, page) => implementation.view(page),
    },
    flush: {
      parameters: fc.constant("home"),
      describe: (page) => `flush ${page}`,
      run: ({ implementation }, page) => implementation.flush(page),
    },
  },
  actors: { "visitor 1": ["view"], "visitor 2": ["view"], reporter: ["flush"] },
  state: { views: "SELECT count FROM views" },
  invariants: {
    "every view is counted": ({ views = [] }, { operations }) => {
      const made = operations.filter(({ operation }) => operation === "view").length;
      const flushed = operations
        .filter(({ operation }) => operation === "flush")
        .reduce((sum, { result }) => sum + Number("returned" in result && result.returned), 0);
      const counted = flushed + Number(views[0]?.["count"] ?? 0);
      return counted === made ? undefined : `${counted} of ${made} views were counted`;
    },
  },
});
