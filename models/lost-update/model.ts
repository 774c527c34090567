import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Account {
  deposit(amount: number): Promise<number>;
}

/** Reads the balance, adds to it in the application, writes it back: what was written in between is overwritten. */
const broken = (pool: Pool): Account => ({
  deposit: (amount) =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ balance: number }>("SELECT balance FROM account WHERE id = 1");
      const balance = rows[0]!.balance + amount;
      await client.query("UPDATE account SET balance = $1 WHERE id = 1", [balance]);
      return balance;
    }),
});

/** The same, but nobody else may write between the read and the write. */
const correct = (pool: Pool): Account => ({
  deposit: (amount) =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ balance: number }>("SELECT balance FROM account WHERE id = 1 FOR UPDATE");
      const balance = rows[0]!.balance + amount;
      await client.query("UPDATE account SET balance = $1 WHERE id = 1", [balance]);
      return balance;
    }),
});

/**
 * Lost update: two deposits read the same balance, and the second to write wins.
 *
 * Every read-modify-write that passes through the application: counters, JSON documents, whatever an ORM loads and saves.
 * A transaction alone is no help at READ COMMITTED. The correct code locks the row when it reads it;
 * `SET balance = balance + $1` does as well where the new value can be told in SQL.
 *
 * Smallest counterexample: 2 operations, 2 switches (read | the other one entirely | write).
 */
export default defineModel({
  name: "lost-update",
  schema: "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)",
  implementations: {
    broken: { expect: { violates: ["every deposit counts"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constantFrom(0, 100),
  seed: (balance) => ({ account: [{ id: 1, balance }] }),
  operations: {
    deposit: {
      parameters: fc.constantFrom(10, 50),
      describe: (amount) => `deposit ${amount}`,
      run: ({ implementation }, amount) => implementation.deposit(amount),
    },
  },
  actors: { alice: ["deposit"], bob: ["deposit"] },
  state: { account: "SELECT balance FROM account" },
  invariants: {
    "every deposit counts": ({ account = [] }, { initial, operations }) => {
      const expected = initial + operations.reduce((sum, { parameters }) => sum + Number(parameters), 0);
      const balance = Number(account[0]?.["balance"]);
      return balance === expected ? undefined : `the balance is ${balance}, and ${expected} was put in`;
    },
  },
});
