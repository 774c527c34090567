import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import { assertNoRace } from "raceproof";
import { expect, test } from "vitest";
import { nowhere } from "./lost-update.mjs";

const pool = new pg.Pool(nowhere);
const race = {
  schema: "create table t (n integer not null); insert into t select generate_series(1, 5)",
  executions: 50,
  reports: false,
};

async function withClient(body) {
  const client = await pool.connect();
  try {
    return await body(client);
  } finally {
    client.release();
  }
}

const insert = () => pool.query("insert into t values (6)");

test("a cursor is a step, whose rows are read while it lasts", async () => {
  const read = () =>
    withClient(async (client) => {
      const cursor = client.query(new Cursor("select n from t order by n"));
      const first = await cursor.read(2);
      const rest = await cursor.read(10);
      await cursor.close();
      return first.length + rest.length;
    });
  const { claim } = await assertNoRace({
    ...race,
    concurrently: { reader: read, writer: insert },
    invariants: { "all or nothing": ({ results }) => expect([5, 6]).toContain(results.reader.value) },
  });
  expect(claim).toMatch(/^all orders/);
});

test("so is a stream of rows", async () => {
  const read = () =>
    withClient(async (client) => {
      let count = 0;
      for await (const _ of client.query(new QueryStream("select n from t"))) count++;
      return count;
    });
  await assertNoRace({
    ...race,
    concurrently: { reader: read, writer: insert },
    invariants: { "all or nothing": ({ results }) => expect([5, 6]).toContain(results.reader.value) },
  });
});

test("so is COPY, in either direction", async () => {
  const load = () =>
    withClient((client) => pipeline(Readable.from(["7\n", "8\n"]), client.query(copyFrom("copy t from stdin"))));
  const unload = () =>
    withClient(async (client) => {
      let text = "";
      for await (const piece of client.query(copyTo("copy t to stdout"))) text += piece;
      return text.trim().split("\n").length;
    });
  await assertNoRace({
    ...race,
    concurrently: { load, unload },
    invariants: { "all or nothing": ({ results }) => expect([5, 7]).toContain(results.unload.value) },
  });
});

test("a notification reaches the actor that listens, on any client", async () => {
  const wait = () =>
    withClient(async (client) => {
      await client.query("listen done");
      const { rows } = await client.query("select from t where n = 6");
      if (rows.length === 0) await new Promise((resolve) => client.once("notification", resolve));
      return (await client.query("select from t where n = 6")).rows.length;
    });
  const work = () => withClient((client) => client.query("insert into t values (6); notify done"));
  await assertNoRace({
    ...race,
    concurrently: { waits: wait, works: work },
    invariants: { "it was there": ({ results }) => expect(results.waits.value).toBe(1) },
  });
});
