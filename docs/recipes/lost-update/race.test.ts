import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { award } from "./broken.js";

raceTest("two awards at once both count", {
  schema: "CREATE TABLE player (id int PRIMARY KEY, points int NOT NULL)",
  setup: () => pool.query("INSERT INTO player VALUES (1, 0)"),
  concurrently: { alice: () => award(1, 10), bob: () => award(1, 5) },
  invariant: async () => {
    const { rows } = await pool.query("SELECT points FROM player");
    expect(rows).toEqual([{ points: 15 }]);
  },
});
