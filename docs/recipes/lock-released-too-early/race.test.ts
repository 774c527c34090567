import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { issueInvoice } from "./broken.js";

raceTest("numbers of invoices are unique", {
  schema: "CREATE TABLE invoice (number int NOT NULL, customer text NOT NULL)",
  concurrently: { alice: () => issueInvoice("Ann"), bob: () => issueInvoice("Ben") },
  invariant: async () => {
    const { rows } = await pool.query("SELECT number FROM invoice ORDER BY number");
    expect(rows).toEqual([{ number: 1 }, { number: 2 }]);
  },
});
