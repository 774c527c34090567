import pg from "pg";
import { describe, expect } from "vitest";
import { raceTest } from "../../../src/testing/vitest.js";

const pool = new pg.Pool({ host: "nowhere.invalid" });
const schema = "create table counter (n integer not null); insert into counter values (0)";

async function increment(lock = ""): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ n: number }>(`select n from counter ${lock}`);
    await client.query("update counter set n = $1", [rows[0]!.n + 1]);
    await client.query("commit");
  } finally {
    client.release();
  }
}

const broken = {
  schema,
  concurrently: { alice: () => increment(), bob: () => increment() },
  invariant: async () => {
    const { rows } = await pool.query<{ n: number }>("select n from counter");
    expect(rows[0]!.n).toBe(2);
  },
  reports: false,
} as const;
const correct = {
  ...broken,
  concurrently: { alice: () => increment("for update"), bob: () => increment("for update") },
};

raceTest("finds", broken);
raceTest("holds", correct);
raceTest("tries again", broken, { retry: 1 });
raceTest("runs out of time", { ...correct, executions: 1_000_000, strategy: "random" }, { timeout: 4_000 });
raceTest.skip("is skipped", broken);
raceTest.fails("finds, as it should", broken);
raceTest.concurrent("holds beside others", correct);
raceTest.each([
  ["update", 2],
  ["key share", 3],
])("holds for %s", (strength, expected) => ({
  ...correct,
  concurrently: { alice: () => increment(`for ${strength}`), bob: () => increment("for update") },
  invariant: async () => expect((await pool.query<{ n: number }>("select n from counter")).rows[0]!.n).toBe(expected),
}));
describe("within a suite", () => {
  raceTest("is found there", broken);
  raceTest("is left out by a filter", broken);
});
