import { expect } from "vitest";
import { raceTest } from "raceproof/vitest";
import { pool } from "../database.js";
import { claim } from "./broken.js";

raceTest("a job has one worker", {
  schema: "CREATE TABLE job (id int PRIMARY KEY, worker text)",
  setup: () => pool.query("INSERT INTO job VALUES (1), (2)"),
  concurrently: { "worker A": () => claim("A"), "worker B": () => claim("B") },
  invariant: ({ results }) => {
    const claimed = Object.values(results).map((result) => result.status === "fulfilled" && result.value);
    expect(new Set(claimed)).toEqual(new Set([1, 2]));
  },
});
