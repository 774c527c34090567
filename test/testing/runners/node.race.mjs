import assert from "node:assert/strict";
import test from "node:test";
import pg from "pg";
import { assertNoRace } from "../../../dist/src/index.js";

const pool = new pg.Pool({ host: "nowhere.invalid" });

void test("finds", () =>
  assertNoRace({
    schema: "create table counter (n integer not null); insert into counter values (0)",
    concurrently: [increment, increment],
    invariant: async () => assert.deepEqual((await pool.query("select n from counter")).rows, [{ n: 2 }]),
    reports: false,
  }));

async function increment() {
  const { rows } = await pool.query("select n from counter");
  await pool.query("update counter set n = $1", [rows[0].n + 1]);
}
