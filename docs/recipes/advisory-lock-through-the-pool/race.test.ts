import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { refill } from "./broken.js";
import { supplier } from "./supplier.js";

raceTest("two refills both count", {
  schema: "CREATE TABLE product (id int PRIMARY KEY, stock int NOT NULL)",
  setup: () => pool.query("INSERT INTO product VALUES (1, 0)"),
  concurrently: { alice: () => refill(1, supplier), bob: () => refill(1, supplier) },
  invariant: async () => {
    const { rows } = await pool.query("SELECT stock FROM product");
    expect(rows).toEqual([{ stock: 20 }]);
  },
});
