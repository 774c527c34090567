import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { buy } from "./broken.js";

raceTest("the last piece is sold once", {
  schema: `
    CREATE TABLE product (id int PRIMARY KEY, stock int NOT NULL);
    CREATE TABLE sale (product int NOT NULL, customer text NOT NULL)`,
  setup: () => pool.query("INSERT INTO product VALUES (1, 1)"),
  concurrently: { alice: () => buy(1, "alice"), bob: () => buy(1, "bob") },
  invariant: async () => {
    const { rows } = await pool.query("SELECT stock FROM product");
    expect(rows).toEqual([{ stock: 0 }]);
  },
});
