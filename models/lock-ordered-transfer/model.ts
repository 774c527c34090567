import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

interface Bank {
  transfer(transfer: Transfer): Promise<void>;
}

/** @param order In which the rows of the two accounts are locked. */
const bank = (pool: Pool, order: (transfer: Transfer) => readonly number[]): Bank => ({
  transfer: (transfer) =>
    transaction(pool, async (client) => {
      for (const id of order(transfer)) {
        const change = id === transfer.from ? -transfer.amount : transfer.amount;
        await client.query("UPDATE account SET balance = balance + $2 WHERE id = $1", [id, change]);
      }
    }),
});

/** Takes from one account, then gives to the other, as one says it. */
const broken = (pool: Pool): Bank => bank(pool, ({ from, to }) => [from, to]);

/** The account with the smaller id first, whichever way the money goes. */
const correct = (pool: Pool): Bank => bank(pool, ({ from, to }) => [from, to].toSorted((a, b) => a - b));

/**
 * Transfers without an order of locks: each of two has locked what the other needs, and Postgres ends one of them (40P01).
 *
 * Transfers, reordering lists, batch updates whose rows come in different orders, foreign keys from both sides. Nothing is
 * lost, but somebody's request fails, under load only. The correct code locks rows in one order everywhere.
 *
 * Smallest counterexample: 2 operations, 3 switches (take | take, and wait | wait, which is the deadlock | COMMIT).
 */
export default defineModel({
  name: "lock-ordered-transfer",
  schema: "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)",
  implementations: {
    broken: { expect: { violates: ["every transfer succeeds"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.constant([100, 100]),
  seed: (balances) => ({ account: balances.map((balance, i) => ({ id: i + 1, balance })) }),
  operations: {
    transfer: {
      parameters: fc.constantFrom<Transfer>({ from: 1, to: 2, amount: 10 }, { from: 2, to: 1, amount: 10 }),
      describe: ({ from, to, amount }) => `transfer ${amount} from ${from} to ${to}`,
      run: ({ implementation }, transfer) => implementation.transfer(transfer),
    },
  },
  actors: { alice: ["transfer"], bob: ["transfer"] },
  state: { account: "SELECT id, balance FROM account ORDER BY id" },
  invariants: {
    "every transfer succeeds": (_, { operations }) => {
      const failed = operations.map(({ result }) => result).find((result) => "threw" in result);
      return failed === undefined ? undefined : `a transfer failed: ${failed.threw.message} (${failed.threw.code})`;
    },
    "money is conserved": ({ account = [] }, { initial }) => {
      const before = initial.reduce((sum, balance) => sum + balance, 0);
      const after = account.reduce((sum, { balance }) => sum + Number(balance), 0);
      return before === after ? undefined : `there is ${after}, and there was ${before}`;
    },
  },
});
