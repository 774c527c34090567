import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { withdraw } from "./broken.js";

raceTest("what was paid out is gone", {
  schema: "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)",
  setup: () => pool.query("INSERT INTO account VALUES (1, 100)"),
  concurrently: { alice: () => withdraw(1, 60), bob: () => withdraw(1, 30) },
  invariant: async () => {
    const { rows } = await pool.query("SELECT balance FROM account");
    expect(rows).toEqual([{ balance: 10 }]);
  },
});
