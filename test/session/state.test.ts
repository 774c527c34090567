import pg from "pg";
import { describe, expect, test } from "vitest";

import { leavesState } from "../../src/session/leaves-state.js";
import { backends, returned, results, serverForFile, stage, type Act } from "../support.js";

const server = serverForFile();
const schema = `
  create table t (id int primary key, n int not null default 0);
  create function hold() returns void language plpgsql as $$ begin perform pg_advisory_lock(9); end $$;`;
const rows = { t: [{ id: 1 }] };

/** What each of three executions of the same code returns. */
async function thrice(act: Act, own = schema): Promise<unknown[]> {
  const { run } = await stage(server(), { schema: own, rows, actors: { a: act } });
  const seen: unknown[] = [];
  for (let i = 0; i < 3; i++) seen.push(returned((await run()).trace, "a"));
  return seen;
}

describe("a session's state does not outlive the execution:", () => {
  const plain = schema.split("create function")[0]!;

  test("settings", async () => {
    const act: Act = async ({ pool }) => {
      const { rows } = await pool.query(
        "select current_setting('search_path') as path, current_setting('my.x', true) as x",
      );
      await pool.query("set search_path to other");
      await pool.query("select set_config('my.x', 'y', false)");
      return rows[0];
    };
    expect(await thrice(act, plain)).toEqual(Array.from({ length: 3 }, () => ({ path: '"$user", public', x: null })));
  });

  test("advisory locks, also those that a function takes, and those of a released client", async () => {
    const of =
      (key: number, take: string): Act =>
      async ({ pool }) => {
        const client = await pool.connect();
        const { rows } = await client.query(`select pg_try_advisory_xact_lock(${key}) as free`);
        await client.query(take);
        client.release();
        return rows[0].free;
      };
    const one = await stage(server(), { schema: plain, actors: { a: of(8, "select pg_advisory_lock(8)") } });
    const other = await stage(server(), { schema, actors: { a: of(9, "select hold()") } });
    for (const { run } of [one, other])
      for (let i = 0; i < 3; i++) {
        const { trace } = await run();
        expect(returned(trace, "a")).toBe(true);
      }
    const contender = await stage(server(), {
      schema,
      actors: { a: of(9, "select hold()"), b: of(9, "select 1") },
    });
    for (let i = 0; i < 3; i++) expect(returned((await contender.run(["b", "a"])).trace, "b")).toBe(true);
  });

  test("temporary tables, prepared statements and listening", async () => {
    const act: Act = async ({ pool }) => {
      const client = await pool.connect();
      await client.query("create temp table mine (id int)");
      await client.query("prepare one as select 1");
      await client.query("listen news");
      const { rows } = await client.query("select count(*)::int as channels from pg_listening_channels()");
      client.release();
      return rows[0].channels;
    };
    expect(await thrice(act, plain)).toEqual([1, 1, 1]);
  });

  test("open transactions, released or not", async () => {
    const act: Act = async ({ pool }) => {
      const [one, two] = [await pool.connect(), await pool.connect()];
      const { rows } = await one.query("select n from t");
      await one.query("begin");
      await one.query("update t set n = 9");
      one.release();
      await two.query("begin");
      await two.query("lock table t in row share mode");
      return rows[0].n;
    };
    const { run } = await stage(server(), { schema: plain, rows, actors: { a: act }, state: { t: "select n from t" } });
    for (let i = 0; i < 3; i++) {
      const { trace, left } = await run();
      expect(returned(trace, "a")).toBe(0);
      expect(trace.state).toEqual({ t: [{ n: 0 }] });
      expect(left.toSorted()).toEqual([
        "a connection was released inside a transaction",
        "a#2 never released its connection",
      ]);
    }
  });

  test("but what a pool sets up in each new connection stays", async () => {
    const pool = new pg.Pool({ max: 1 });
    pool.on("connect", (client) => void client.query("set my.tenant = 'seven'"));
    const seen: unknown[] = [];
    const act: Act = async () => {
      seen.push((await pool.query("select current_setting('my.tenant') as tenant")).rows[0].tenant);
      await pool.query("set my.tenant = 'eight'");
    };
    const { run } = await stage(server(), { actors: { a: act } });
    for (let i = 0; i < 3; i++) expect((await run()).trace.steps).toHaveLength(2);
    expect(seen).toEqual(["seven", "seven", "seven"]);
  });

  test("nor does a connection that leaves none have to be made anew", async () => {
    const { run } = await stage(server(), {
      actors: {
        a: async ({ pool }) => {
          const { rows } = await pool.query("select pg_backend_pid() as pid");
          await pool.query("begin; set local my.x = 'y'; commit");
          await pool.query("select set_config('my.x', $1, true)", ["z"]);
          return rows[0].pid;
        },
      },
    });
    const pids = new Set<unknown>();
    for (let i = 0; i < 5; i++) pids.add(returned((await run()).trace, "a"));
    expect(pids.size).toBe(1);
  });
});

describe("connections are given back", () => {
  test("by code that forgets to release, that makes a pool each time, and that destroys its clients", async () => {
    const act: Act = async ({ pool }) => {
      await pool.connect();
      const own = new pg.Pool({ application_name: "leak test" });
      await Promise.all([own.query("select 1"), own.query("select 2")]);
      const destroyed = await own.connect();
      destroyed.release(true);
      if ((await own.query("select 3")).rowCount === 1) await own.end();
    };
    const { run } = await stage(server(), { actors: { a: act, b: act } });
    const counts: number[] = [];
    for (let i = 0; i < 12; i++) {
      await run();
      counts.push(await backends(server(), "leak test"));
    }
    // A pool that is not used for three executions is known to be nobody's.
    expect(Math.max(...counts)).toBeLessThanOrEqual(2 * 2 * 4);
    expect(counts.at(-1)).toBe(counts.at(-2));
  });

  test("to the next user as they are: a client released inside a transaction still is in one", async () => {
    const { run } = await stage(server(), {
      schema,
      rows,
      actors: {
        a: async ({ pool }) => {
          const client = await pool.connect();
          await client.query("begin");
          client.release();
          await pool.query("update t set n = 3");
          throw new Error("left inside");
        },
      },
      state: { t: "select n from t" },
    });
    const { trace, left } = await run();
    expect(trace.steps.map(({ transaction }) => transaction)).toEqual(["open", "open"]);
    expect([trace.state["t"], left]).toEqual([[{ n: 0 }], ["a connection was released inside a transaction"]]);
    expect(results(trace, "a")).toEqual([{ threw: { name: "Error", message: "left inside", code: null } }]);
  });
});

test("texts that leave state are told from texts that do not", () => {
  const leaving = [
    "set x = 1",
    " SET SESSION x TO 1",
    "begin; set x = 1; commit",
    "/* why */ set x = 1",
    "-- why\n reset all",
    "do $$ begin null; end $$",
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_lock_shared(1)",
    "select set_config('a', $1, false)",
    "create temporary table x ()",
    "select 1 into temp y",
    "declare c cursor with hold for select 1",
    "listen x",
    "prepare x as select 1",
  ];
  const clean = [
    "update t set x = 1",
    "set local x = 1",
    "set transaction isolation level serializable",
    "set constraints all deferred",
    "select pg_advisory_xact_lock(1)",
    "select set_config('a', $1, true)",
    "insert into t values (1) on conflict do nothing",
    "insert into temperatures values (1)",
    "prepare transaction 'x'",
  ];
  expect(leaving.filter((text) => !leavesState.test(text))).toEqual([]);
  expect(clean.filter((text) => leavesState.test(text))).toEqual([]);
});
