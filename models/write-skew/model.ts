import type { Pool, PoolClient } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { serializable, transaction } from "../transaction.js";

interface Roster {
  /** False when nobody else would be on call. */
  goHome(doctor: string): Promise<boolean>;
}

async function goHomeIfOthersStay(client: PoolClient, doctor: string): Promise<boolean> {
  const { rows } = await client.query("SELECT name FROM doctor WHERE on_call AND name <> $1", [doctor]);
  if (rows.length === 0) return false;
  await client.query("UPDATE doctor SET on_call = false WHERE name = $1", [doctor]);
  return true;
}

/** One snapshot for everything that is read, which is not enough: each of two doctors counts on the other. */
const broken = (pool: Pool): Roster => ({
  goHome: (doctor) => transaction(pool, (client) => goHomeIfOthersStay(client, doctor), "REPEATABLE READ"),
});

/** As if one after the other; whoever cannot be fitted into such an order starts again. */
const correct = (pool: Pool): Roster => ({
  goHome: (doctor) => serializable(pool, (client) => goHomeIfOthersStay(client, doctor)),
});

/**
 * Write skew (Berenson et al. 1995): two transactions read the same rows and write different ones, so that no row lock
 * brings them together, and a rule about all of the rows breaks. REPEATABLE READ, which is snapshot isolation in Postgres,
 * lets it pass.
 *
 * Rosters, at least one administrator, a credit line over several accounts, anything that is checked by a query over rows
 * that one does not write. The correct code asks for SERIALIZABLE and repeats what fails with 40001; locking all the rows
 * that were read does as well.
 *
 * Smallest counterexample: 2 operations, 2 switches (read | the other one entirely | write).
 */
export default defineModel({
  name: "write-skew",
  schema: "CREATE TABLE doctor (name text PRIMARY KEY, on_call boolean NOT NULL)",
  implementations: {
    broken: { expect: { violates: ["somebody is on call"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constant(["alice", "bob"]),
  seed: (doctors) => ({ doctor: doctors.map((name) => ({ name, on_call: true })) }),
  operations: {
    "go home": {
      parameters: fc.constant(null),
      describe: () => "go home",
      run: ({ implementation, actor }) => implementation.goHome(actor),
    },
  },
  actors: { alice: ["go home"], bob: ["go home"] },
  operationsPerActor: 1,
  state: { "on call": "SELECT name FROM doctor WHERE on_call ORDER BY name" },
  invariants: {
    "somebody is on call": ({ "on call": onCall = [] }) => (onCall.length > 0 ? undefined : "nobody is on call"),
  },
});
