import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { changeEmail, rename } from "./broken.js";

raceTest("two changes of one user are both kept", {
  schema: `CREATE TABLE person
    (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL, version int NOT NULL DEFAULT 1)`,
  setup: () => pool.query("INSERT INTO person VALUES (1, 'Ann', 'ann@old.example')"),
  concurrently: {
    profile: () => rename(1, "Anna"),
    settings: () => changeEmail(1, "ann@new.example"),
  },
  invariant: async () => {
    const { rows } = await pool.query("SELECT name, email FROM person");
    expect(rows).toEqual([{ name: "Anna", email: "ann@new.example" }]);
  },
});
