import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { transfer } from "./broken.js";

raceTest("both transfers arrive", {
  schema: "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)",
  setup: () => pool.query("INSERT INTO account VALUES (1, 100), (2, 100)"),
  concurrently: { alice: () => transfer(1, 2, 10), bob: () => transfer(2, 1, 20) },
  // Errors of Postgres are no failure by themselves, as code may well expect them. This code does not.
  invariant: ({ results: { alice, bob } }) => {
    expect([alice, bob]).toMatchObject([{ status: "fulfilled" }, { status: "fulfilled" }]);
  },
});
