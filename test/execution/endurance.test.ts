import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import pg from "pg";
import { expect, test } from "vitest";

import { random } from "../../src/strategy/random.js";
import { type Act, backends, sampled, serverForFile, stage } from "../support.js";

const server = serverForFile();

/** A little of everything: waits, deadlocks, errors, a client of its own, session state, a pool per call. */
const busy =
  (first: number, second: number): Act =>
  async ({ pool }) => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      await client.query("update t set n = n + 1 where id = $1", [first]);
      await client.query("update t set n = n + 1 where id = $1", [second]);
      await client.query("commit");
    } catch {
      await client.query("rollback");
    } finally {
      client.release();
    }
  };

const scene = {
  schema: "create table t (id int primary key, n int not null default 0)",
  rows: { t: [{ id: 1 }, { id: 2 }] },
  actors: { a: busy(1, 2), b: busy(2, 1), c: ({ pool }: Parameters<Act>[0]) => pool.query("insert into t values (1)") },
};

// Else what is measured is how long it has not run.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("many executions: no leaked connection, no growing memory, no slowing down", async () => {
  const staged = await stage(server(), scene, 2);
  const strategy = random("endurance");
  const laps: { ms: number; heap: number }[] = [];
  for (let lap = 0; lap < 6; lap++) {
    const begin = performance.now();
    await Promise.all(
      Array.from({ length: 150 }, (_, i) => staged.run(sampled(strategy, lap * 150 + i), { pristine: false })),
    );
    const ms = performance.now() - begin;
    collectGarbage();
    laps.push({ ms, heap: process.memoryUsage().heapUsed / 2 ** 20 });
  }
  // Per lane one connection of each actor and our own, and two of the server itself.
  expect(await backends(server())).toBeLessThanOrEqual(2 * 4 + 2);
  const [early, late] = [laps.slice(1, 3), laps.slice(4)].map((some) => ({
    ms: Math.min(...some.map(({ ms }) => ms)),
    heap: Math.min(...some.map(({ heap }) => heap)),
  }));
  expect(late!.ms).toBeLessThan(early!.ms * 2);
  expect(late!.heap - early!.heap).toBeLessThan(5);
});

test("with code that leaks: a pool, a client and a setting each time", async () => {
  const leaky: Act = async ({ pool }) => {
    await pool.query("set my.x = 'y'");
    await new pg.Pool({ application_name: "leaky" }).query("select 1");
    const own = new pg.Client({ application_name: "leaky" });
    await own.connect();
    await pool.connect();
  };
  const { run } = await stage(server(), { actors: { a: leaky } });
  for (let i = 0; i < 60; i++) await run([], { pristine: false });
  // Clients of the last twenty executions may be in a pool of a library's own.
  expect(await backends(server(), "leaky")).toBeLessThanOrEqual(26);
});
