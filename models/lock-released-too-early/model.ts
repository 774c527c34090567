import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Numbering {
  /** The number that the invoice has got. */
  issue(customer: string): Promise<number>;
}

const highest = "SELECT coalesce(max(number), 0)::int AS number FROM invoice";
const insert = "INSERT INTO invoice (number, customer) VALUES ($1, $2)";

/** Holds a lock from the read to the write. What was written is to be seen after COMMIT only, and the lock is free before. */
const broken = (pool: Pool): Numbering => ({
  issue: (customer) =>
    transaction(pool, async (client) => {
      await client.query("SELECT pg_advisory_lock(1)");
      const { rows } = await client.query<{ number: number }>(highest);
      const number = rows[0]!.number + 1;
      await client.query(insert, [number, customer]);
      await client.query("SELECT pg_advisory_unlock(1)");
      return number;
    }),
});

/** Holds the lock until the transaction has ended. */
const correct = (pool: Pool): Numbering => ({
  issue: (customer) =>
    transaction(pool, async (client) => {
      await client.query("SELECT pg_advisory_xact_lock(1)");
      const { rows } = await client.query<{ number: number }>(highest);
      const number = rows[0]!.number + 1;
      await client.query(insert, [number, customer]);
      return number;
    }),
});

/**
 * A lock that is released too early: before the COMMIT that makes visible what it protects.
 *
 * `with_lock { … }` inside a transaction, a mutex or a lock in Redis around code whose transaction is committed by a
 * framework, `synchronized` on a `@Transactional` method. The correct code lets the lock end with the transaction; a lock
 * of another kind is taken before BEGIN and given back after COMMIT.
 *
 * Smallest counterexample: 2 operations, 2 switches, of which the first must be just between unlock and COMMIT: one place
 * of five, and at the others the lock does what it should.
 */
export default defineModel({
  name: "lock-released-too-early",
  schema: "CREATE TABLE invoice (id serial PRIMARY KEY, number int NOT NULL, customer text NOT NULL)",
  implementations: {
    broken: { expect: { violates: ["numbers are unique"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constant(null),
  seed: () => ({}),
  operations: {
    issue: {
      parameters: fc.constant(null),
      describe: () => "issue an invoice",
      run: ({ implementation, actor }) => implementation.issue(actor),
    },
  },
  actors: { "clerk 1": ["issue"], "clerk 2": ["issue"] },
  operationsPerActor: 1,
  state: { invoices: "SELECT number, count(*) FROM invoice GROUP BY number ORDER BY number" },
  invariants: {
    "numbers are unique": ({ invoices = [] }) => {
      const twice = invoices.find(({ count }) => Number(count) > 1);
      return twice === undefined ? undefined : `${twice["count"]} invoices have number ${twice["number"]}`;
    },
  },
});
