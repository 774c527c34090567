import type { Pool, PoolClient } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { serializable, transaction } from "../transaction.js";

/** What was taken in the batch that was closed last. */
interface Report {
  readonly batch: number;
  readonly total: number;
}

interface Till {
  addReceipt(amount: number): Promise<void>;
  closeBatch(): Promise<void>;
  report(): Promise<Report>;
}

type InTransaction = <T>(body: (client: PoolClient) => Promise<T>) => Promise<T>;

const currentBatch = "SELECT batch FROM control";

const till = (inTransaction: InTransaction): Till => ({
  addReceipt: (amount) =>
    inTransaction(async (client) => {
      const { rows } = await client.query<{ batch: number }>(currentBatch);
      await client.query("INSERT INTO receipt (batch, amount) VALUES ($1, $2)", [rows[0]!.batch, amount]);
    }),
  closeBatch: () =>
    inTransaction(async (client) => {
      await client.query("UPDATE control SET batch = batch + 1");
    }),
  report: () =>
    inTransaction(async (client) => {
      const { rows } = await client.query<{ batch: number }>(currentBatch);
      const batch = rows[0]!.batch - 1;
      const sum = await client.query<{ total: number }>(
        "SELECT coalesce(sum(amount), 0)::int AS total FROM receipt WHERE batch = $1",
        [batch],
      );
      return { batch, total: sum.rows[0]!.total };
    }),
});

/** Each sees one snapshot. */
const broken = (pool: Pool): Till => till((body) => transaction(pool, body, "REPEATABLE READ"));

/** Each sees one snapshot, and together they have an order. */
const correct = (pool: Pool): Till => till((body) => serializable(pool, body));

/**
 * Receipt and batch: the read-only anomaly (Fekete, O'Neil and O'Neil 2004), in the form of the Postgres wiki. A report of a
 * closed batch is printed; then a receipt that began before the batch was closed commits into it.
 *
 * End-of-day totals, billing periods, everything that is closed and then reported. Receipt and closing alone are in
 * order; it is the report, which writes nothing, that leaves no order which explains all three. The correct code asks for
 * SERIALIZABLE in all of them, readers included.
 *
 * Smallest counterexample: 3 operations of 3 actors, 3 switches (read the batch | close it | report | insert).
 */
export default defineModel({
  name: "receipt-and-batch",
  schema: `
    CREATE TABLE control (batch int NOT NULL);
    CREATE TABLE receipt (id serial PRIMARY KEY, batch int NOT NULL, amount int NOT NULL)`,
  implementations: {
    broken: { expect: { violates: ["a report is final"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constant(1),
  seed: (batch) => ({ control: [{ batch }] }),
  operations: {
    "add receipt": {
      parameters: fc.constantFrom(10, 20),
      describe: (amount) => `add a receipt of ${amount}`,
      run: ({ implementation }, amount) => implementation.addReceipt(amount),
    },
    "close batch": {
      parameters: fc.constant(null),
      describe: () => "close the batch",
      run: ({ implementation }) => implementation.closeBatch(),
    },
    report: {
      parameters: fc.constant(null),
      describe: () => "report the closed batch",
      run: ({ implementation }) => implementation.report(),
    },
  },
  actors: { cashier: ["add receipt"], manager: ["close batch"], auditor: ["report"] },
  operationsPerActor: 1,
  // It takes all three, and few of the generated programs have them.
  examples: [
    {
      initial: 1,
      actors: [
        { name: "cashier", operations: [{ operation: "add receipt", parameters: 10 }] },
        { name: "manager", operations: [{ operation: "close batch", parameters: null }] },
        { name: "auditor", operations: [{ operation: "report", parameters: null }] },
      ],
    },
  ],
  state: { totals: "SELECT batch, sum(amount)::int AS total FROM receipt GROUP BY batch ORDER BY batch" },
  invariants: {
    "a report is final": ({ totals = [] }, { operations }) => {
      for (const { operation, result } of operations) {
        if (operation !== "report" || !("returned" in result)) continue;
        const { batch, total } = result.returned as unknown as Report;
        const now = Number(totals.find((row) => row["batch"] === batch)?.["total"] ?? 0);
        if (now !== total) return `batch ${batch} was reported with ${total}, and has ${now}`;
      }
      return undefined;
    },
  },
});
