import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Shop {
  /** False when there is not enough left. */
  buy(customer: string, quantity: number): Promise<boolean>;
}

/** Looks whether there is enough. By the time it takes from the stock, that may no longer be so. */
const broken = (pool: Pool): Shop => ({
  buy: (customer, quantity) =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ stock: number }>("SELECT stock FROM product WHERE id = 1");
      if (rows[0]!.stock < quantity) return false;
      await client.query("INSERT INTO purchase (customer, quantity) VALUES ($1, $2)", [customer, quantity]);
      await client.query("UPDATE product SET stock = stock - $1 WHERE id = 1", [quantity]);
      return true;
    }),
});

/** Takes from the stock only if there is enough, in one statement, and sells what it has taken. */
const correct = (pool: Pool): Shop => ({
  buy: (customer, quantity) =>
    transaction(pool, async (client) => {
      const taken = await client.query("UPDATE product SET stock = stock - $1 WHERE id = 1 AND stock >= $1", [
        quantity,
      ]);
      if (taken.rowCount === 0) return false;
      await client.query("INSERT INTO purchase (customer, quantity) VALUES ($1, $2)", [customer, quantity]);
      return true;
    }),
});

/**
 * Oversell: two customers see the last piece, and both buy it. The subtraction itself is right (`stock - $1`, no update is
 * lost); what is out of date is the reason for it.
 *
 * Shops, seats, quotas, rate limits. The correct code puts the condition into the UPDATE, which waits for the row and looks
 * at it again, and asks how many rows it hit; a CHECK (stock >= 0) turns what would slip through into an error.
 *
 * Smallest counterexample: 2 operations, 2 switches (look | the other one entirely | take).
 */
export default defineModel({
  name: "oversell",
  schema: `
    CREATE TABLE product (id int PRIMARY KEY, stock int NOT NULL);
    CREATE TABLE purchase (id serial PRIMARY KEY, customer text NOT NULL, quantity int NOT NULL)`,
  implementations: {
    broken: { expect: { violates: ["stock is never below zero"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.integer({ min: 1, max: 3 }),
  seed: (stock) => ({ product: [{ id: 1, stock }] }),
  operations: {
    buy: {
      parameters: fc.integer({ min: 1, max: 2 }),
      describe: (quantity) => `buy ${quantity}`,
      run: ({ implementation, actor }, quantity) => implementation.buy(actor, quantity),
    },
  },
  actors: { ann: ["buy"], bea: ["buy"], cid: ["buy"] },
  operationsPerActor: 1,
  state: {
    stock: "SELECT stock FROM product",
    sold: "SELECT coalesce(sum(quantity), 0)::int AS pieces FROM purchase",
  },
  invariants: {
    "stock is never below zero": ({ stock = [] }) => {
      const left = Number(stock[0]?.["stock"]);
      return left >= 0 ? undefined : `${left} pieces are left`;
    },
    "what is sold has left the stock": ({ stock = [], sold = [] }, { initial }) => {
      const [left, pieces] = [Number(stock[0]?.["stock"]), Number(sold[0]?.["pieces"])];
      return left + pieces === initial ? undefined : `${initial} pieces became ${left} in stock and ${pieces} sold`;
    },
  },
});
