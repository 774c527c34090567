import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { goOffCall } from "./broken.js";

raceTest("somebody is on call", {
  schema: "CREATE TABLE doctor (name text PRIMARY KEY, on_call boolean NOT NULL)",
  setup: () => pool.query("INSERT INTO doctor VALUES ('alice', true), ('bob', true)"),
  concurrently: { alice: () => goOffCall("alice"), bob: () => goOffCall("bob") },
  invariant: async () => {
    const { rowCount } = await pool.query("SELECT 1 FROM doctor WHERE on_call");
    expect(rowCount).toBeGreaterThanOrEqual(1);
  },
});
