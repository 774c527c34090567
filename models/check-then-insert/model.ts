import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Members {
  /** False when the address is taken. */
  signUp(email: string): Promise<boolean>;
}

/** Looks whether the address is free, and then takes it. */
const broken = (pool: Pool): Members => ({
  async signUp(email) {
    const taken = await pool.query("SELECT 1 FROM member WHERE email = $1", [email]);
    if (taken.rows.length > 0) return false;
    await pool.query("INSERT INTO member (email) VALUES ($1)", [email]);
    return true;
  },
});

/** The same, one after the other for each address. There is no row to lock yet, so the address itself is locked. */
const correct = (pool: Pool): Members => ({
  signUp: (email) =>
    transaction(pool, async (client) => {
      await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [email]);
      const taken = await client.query("SELECT 1 FROM member WHERE email = $1", [email]);
      if (taken.rows.length > 0) return false;
      await client.query("INSERT INTO member (email) VALUES ($1)", [email]);
      return true;
    }),
});

/**
 * Check, then insert: between the look and the insert somebody else inserts the same.
 *
 * Sign-ups, slugs, one open invoice for each customer, every "find or create" without a unique index. A row that is not
 * there cannot be locked, so transactions and FOR UPDATE do not help. The correct code takes an advisory lock on the key
 * and keeps it until COMMIT; where the table can be changed, a unique index and ON CONFLICT DO NOTHING are better still.
 *
 * Smallest counterexample: 2 operations, 2 switches (look | the other one entirely | insert), in only 4 steps.
 */
export default defineModel({
  name: "check-then-insert",
  schema: "CREATE TABLE member (id serial PRIMARY KEY, email text NOT NULL)",
  implementations: {
    broken: { expect: { violates: ["addresses are unique"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constant(null),
  seed: () => ({}),
  operations: {
    "sign up": {
      parameters: fc.constantFrom("ann@example.com", "bea@example.com"),
      describe: (email) => `sign up ${email}`,
      run: ({ implementation }, email) => implementation.signUp(email),
    },
  },
  actors: { "tab 1": ["sign up"], "tab 2": ["sign up"] },
  state: { members: "SELECT email, count(*) FROM member GROUP BY email ORDER BY email" },
  invariants: {
    "addresses are unique": ({ members = [] }) => {
      const twice = members.find(({ count }) => Number(count) > 1);
      return twice === undefined ? undefined : `${twice["email"]} has ${twice["count"]} members`;
    },
  },
});
