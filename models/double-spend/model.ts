import type { Pool, PoolClient } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Wallet {
  /** False when there is not enough in it. */
  pay(amount: number): Promise<boolean>;
}

async function payIfCovered(client: PoolClient, amount: number): Promise<boolean> {
  const { rows } = await client.query<{ balance: number }>(
    "SELECT coalesce(sum(amount), 0)::int AS balance FROM entry WHERE wallet = 1",
  );
  if (rows[0]!.balance < amount) return false;
  await client.query("INSERT INTO entry (wallet, amount) VALUES (1, $1)", [-amount]);
  return true;
}

/** Adds up the entries, and writes another one. */
const broken = (pool: Pool): Wallet => ({
  pay: (amount) => transaction(pool, (client) => payIfCovered(client, amount)),
});

/** The same with the wallet locked: whoever comes second adds up what the first has written. */
const correct = (pool: Pool): Wallet => ({
  pay: (amount) =>
    transaction(pool, async (client) => {
      await client.query("SELECT FROM wallet WHERE id = 1 FOR UPDATE");
      return payIfCovered(client, amount);
    }),
});

/**
 * Double spend: two payments are each covered by what is there, but not both together.
 *
 * Ledgers, loyalty points, vouchers, event sourcing: wherever the balance is a sum over rows that are only ever added, so
 * that two writers never meet at one. The correct code has them meet: it locks the wallet's row first, in a statement
 * of its own, as a statement that waits for a lock still sums what it saw before the wait.
 *
 * Smallest counterexample: 2 operations, 2 switches (sum | the other one entirely | insert).
 */
export default defineModel({
  name: "double-spend",
  schema: `
    CREATE TABLE wallet (id int PRIMARY KEY);
    CREATE TABLE entry (id serial PRIMARY KEY, wallet int NOT NULL REFERENCES wallet, amount int NOT NULL)`,
  implementations: {
    broken: { expect: { violates: ["nothing is spent twice"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constantFrom(100, 150),
  seed: (balance) => ({ wallet: [{ id: 1 }], entry: [{ wallet: 1, amount: balance }] }),
  operations: {
    pay: {
      parameters: fc.constantFrom(100, 50),
      describe: (amount) => `pay ${amount}`,
      run: ({ implementation }, amount) => implementation.pay(amount),
    },
  },
  actors: { phone: ["pay"], laptop: ["pay"] },
  state: { balance: "SELECT coalesce(sum(amount), 0)::int AS balance FROM entry" },
  invariants: {
    "nothing is spent twice": ({ balance = [] }) => {
      const left = Number(balance[0]?.["balance"]);
      return left >= 0 ? undefined : `the balance is ${left}`;
    },
  },
});
