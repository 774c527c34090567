import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { pay } from "./broken.js";

raceTest("no wallet is overdrawn", {
  schema: `
    CREATE TABLE wallet (id int PRIMARY KEY);
    CREATE TABLE entry (wallet int NOT NULL REFERENCES wallet, amount int NOT NULL)`,
  setup: async () => {
    await pool.query("INSERT INTO wallet VALUES (1)");
    await pool.query("INSERT INTO entry VALUES (1, 100)");
  },
  concurrently: { "first shop": () => pay(1, 80), "second shop": () => pay(1, 80) },
  invariant: async () => {
    const { rows } = await pool.query("SELECT sum(amount)::int AS balance FROM entry");
    expect(rows[0].balance).toBeGreaterThanOrEqual(0);
  },
});
