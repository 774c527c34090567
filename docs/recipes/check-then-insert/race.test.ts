import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { book, schema } from "./broken.js";

raceTest("a room is booked once", {
  schema,
  concurrently: {
    alice: () => book(7, "2030-05-01", "alice"),
    bob: () => book(7, "2030-05-01", "bob"),
  },
  invariants: {
    "one guest a night": async () => {
      const { rows } = await pool.query("SELECT guest FROM booking");
      expect(rows).toHaveLength(1);
    },
    "one of them was told yes": ({ results: { alice, bob } }) => {
      const told = [alice, bob].filter((result) => result.status === "fulfilled" && result.value === true);
      expect(told).toHaveLength(1);
    },
  },
});
