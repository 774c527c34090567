import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Counters {
  increment(counter: string): Promise<number>;
}

/** Reads and writes as lost-update does. */
const separate = (pool: Pool): Counters => ({
  increment: (counter) =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ value: number }>("SELECT value FROM counter WHERE name = $1", [counter]);
      const value = rows[0]!.value + 1;
      await client.query("UPDATE counter SET value = $2 WHERE name = $1", [counter, value]);
      return value;
    }),
});

/**
 * Counters on disjoint rows: the code of lost-update, and yet nothing can break, as nobody else writes to the same row.
 *
 * Sharded counters, one row for each worker, tenant or partition. To a harness it is a calibration: all its orders are
 * equivalent, so one execution tells everything, and whoever reports a violation here is wrong.
 *
 * Smallest counterexample: none.
 */
export default defineModel({
  name: "counters-on-disjoint-rows",
  schema: "CREATE TABLE counter (name text PRIMARY KEY, value int NOT NULL)",
  implementations: { correct: { expect: "holds", create: ({ pool }) => separate(pool) } },
  initial: fc.constant(["shard 1", "shard 2", "shard 3"]),
  seed: (counters) => ({ counter: counters.map((name) => ({ name, value: 0 })) }),
  operations: {
    increment: {
      parameters: fc.constant(null),
      describe: () => "increment",
      run: ({ implementation, actor }) => implementation.increment(actor),
    },
  },
  actors: { "shard 1": ["increment"], "shard 2": ["increment"], "shard 3": ["increment"] },
  state: { counters: "SELECT name, value FROM counter ORDER BY name" },
  invariants: {
    "every increment counts": ({ counters = [] }, { operations }) => {
      const sum = counters.reduce((sum, { value }) => sum + Number(value), 0);
      return sum === operations.length ? undefined : `the counters are at ${sum} after ${operations.length} increments`;
    },
  },
});
