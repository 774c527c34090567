import type { PoolClient } from "pg";
import { describe, expect, test } from "vitest";

import {
  again,
  play,
  programOf,
  results,
  returned,
  serverForFile,
  stage,
  story,
  type Act,
  type Scene,
} from "../support.js";
import { firstDifference } from "../../src/execution/compare.js";
import { judge, operationsEnd } from "../../src/oracle/judge.js";

const server = serverForFile();

const schema = `
  create table t (id int primary key, n int not null default 0);
  create table child (id int primary key, t int references t);
  create table kv (k text primary key, n int);`;
const rows = { t: [{ id: 1 }, { id: 2 }, { id: 3 }], kv: [{ k: "x" }] };

/** Runs statements in one transaction; the code of the error that ends it is what it returns. */
const transaction =
  (...statements: string[]): Act =>
  async ({ pool }) => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      let last;
      for (const statement of statements) last = await client.query(statement);
      await client.query("commit");
      return last?.rows;
    } catch (error) {
      await client.query("rollback");
      return (error as { code?: string }).code;
    } finally {
      client.release();
    }
  };

const statement =
  (text: string): Act =>
  async ({ pool }) =>
    (await pool.query(text)).rows;

const scene = (actors: Scene["actors"], more: Partial<Scene> = {}): Scene => ({
  schema,
  rows,
  actors,
  state: { t: "select id, n from t order by id" },
  ...more,
});

describe("a lock wait is seen through Postgres, with who, on what, and until when:", () => {
  const kinds: [kind: string, first: string, second: string, lock: RegExp, on: string | null][] = [
    [
      "row update",
      "update t set n = 1 where id = 2",
      "update t set n = 2 where id = 2",
      /^ShareLock on transaction \d+$/,
      "row (id=2) of t",
    ],
    ["key called k", "update kv set n = 1", "update kv set n = 2", /^ShareLock on transaction \d+$/, "row (k=x) of kv"],
    [
      "for update",
      "select * from t where id = 1 for update",
      "select * from t where id = 1 for update",
      /^ShareLock on transaction \d+$/,
      "row (id=1) of t",
    ],
    [
      "for share",
      "select * from t where id = 1 for share",
      "delete from t where id = 1",
      /^ShareLock on transaction \d+$/,
      "row (id=1) of t",
    ],
    [
      "unique key",
      "insert into t values (7)",
      "insert into t values (7)",
      /^ShareLock on transaction \d+$/,
      "a key of t_pkey",
    ],
    [
      "foreign key",
      "delete from t where id = 1",
      "insert into child values (1, 1)",
      /^ShareLock on transaction \d+$/,
      "row (id=1) of t",
    ],
    ["table lock", "lock table t in exclusive mode", "update t set n = 1", /^RowExclusiveLock on relation t$/, null],
    [
      "advisory lock of a transaction",
      "select pg_advisory_xact_lock(3, 4)",
      "select pg_advisory_xact_lock(3, 4)",
      /^ExclusiveLock on advisory lock \[3,4,2]$/,
      null,
    ],
    ["schema change", "alter table t add column more int", "select * from t", /^AccessShareLock on relation t$/, null],
  ];

  test.each(kinds)("%s", async (_kind, first, second, lock, on) => {
    const { trace } = await play(
      server(),
      scene({ a: transaction(first), b: transaction(second) }),
      ["a", "a", "b", "b", "a"],
      { record: true },
    );
    expect(trace.steps.map(({ session, text }) => `${session}: ${text}`)).toEqual([
      "a: begin",
      `a: ${first}`,
      "b: begin",
      `b: ${second}`,
      "a: commit",
      expect.stringMatching(/^b: (commit|rollback)$/),
    ]);
    expect(trace.steps[3]!.wait).toEqual({ holders: ["a"], lock: expect.stringMatching(lock), on, until: 4 });
  });

  test("advisory lock of a session, which outlives the transaction", async () => {
    const take =
      (...statements: string[]): Act =>
      async ({ pool }) => {
        const client = await pool.connect();
        for (const text of statements) await client.query(text);
        client.release();
      };
    const { trace } = await play(
      server(),
      scene({
        a: take("begin", "select pg_advisory_lock(5)", "commit", "select pg_advisory_unlock(5)"),
        b: take("select pg_advisory_lock(5)"),
      }),
      ["a", "a", "a", "b", "a"],
    );
    expect(story(trace)).toEqual([
      "a: begin",
      "a: select pg_advisory_lock(5)",
      "a: commit",
      "b: select pg_advisory_lock(5) (waited for a until step 4)",
      "a: select pg_advisory_unlock(5)",
    ]);
  });

  test("a snapshot that is safe only once others are done", async () => {
    const safe: Act = async ({ pool }) => {
      const client = await pool.connect();
      await client.query("begin isolation level serializable read only deferrable");
      const { rows } = await client.query("select n from t where id = 1");
      await client.query("commit");
      client.release();
      return rows;
    };
    const writer = transaction("set transaction isolation level serializable", "update t set n = 4 where id = 1");
    const { trace } = await play(server(), scene({ a: writer, b: safe }), ["a", "a", "a", "b", "b", "a"]);
    expect(story(trace).slice(3)).toEqual([
      "b: begin isolation level serializable read only deferrable",
      "b: select n from t where id = 1 (waited for a until step 5)",
      "a: commit",
      "b: commit",
    ]);
  });
});

describe("what is no wait", () => {
  test("SKIP LOCKED and NOWAIT answer at once", async () => {
    const { trace } = await play(
      server(),
      scene({
        a: transaction("select * from t where id = 1 for update"),
        b: statement("select id from t order by id for update skip locked limit 1"),
        c: transaction("select id from t where id = 1 for update nowait"),
      }),
      ["a", "a", "b", "c", "c", "c", "a"],
    );
    expect(trace.steps.every(({ wait }) => wait === null)).toBe(true);
    expect(returned(trace, "b")).toEqual([{ id: 2 }]);
    expect(returned(trace, "c")).toBe("55P03");
  });

  test("a statement that is slow", async () => {
    const { trace } = await play(
      server(),
      scene({ a: transaction("update t set n = 1"), b: statement("select pg_sleep(0.05), n from t where id = 1") }),
      ["a", "a", "b", "a"],
    );
    expect(story(trace)).toEqual([
      "a: begin",
      "a: update t set n = 1",
      "b: select pg_sleep(0.05), n from t where id = 1",
      "a: commit",
    ]);
  });
});

describe("several waiters", () => {
  test("on one row are granted in the order in which they came", async () => {
    const set = (n: number) => transaction(`update t set n = n * 10 + ${n} where id = 1`);
    const staged = await stage(server(), scene({ a: set(1), b: set(2), c: set(3), d: set(4) }));
    const { trace } = await staged.run(["a", "b", "c", "d", "a", "c", "d", "b", "a"]);
    expect(story(trace)).toEqual([
      "a: begin",
      "b: begin",
      "c: begin",
      "d: begin",
      "a: update t set n = n * 10 + 1 where id = 1",
      "c: update t set n = n * 10 + 3 where id = 1 (waited for a until step 8)",
      "d: update t set n = n * 10 + 4 where id = 1 (waited for c until step 9)",
      "b: update t set n = n * 10 + 2 where id = 1 (waited for c, d until step 10)",
      "a: commit",
      "c: commit",
      "d: commit",
      "b: commit",
    ]);
    expect(trace.state["t"]![0]).toEqual({ id: 1, n: 1342 });
    for (let i = 0; i < 10; i++) expect(firstDifference(trace, (await again(staged, trace)).trace)).toBeUndefined();
  });

  test("a waiter behind a waiter, on another lock", async () => {
    const { trace } = await play(
      server(),
      scene({
        a: transaction("update t set n = 1 where id = 1"),
        b: transaction("update t set n = 1 where id = 2", "update t set n = 2 where id = 1"),
        c: transaction("update t set n = 3 where id = 2"),
      }),
      ["a", "a", "b", "b", "b", "c", "c", "a"],
    );
    expect(story(trace).filter((line) => line.includes("waited"))).toEqual([
      "b: update t set n = 2 where id = 1 (waited for a until step 7)",
      "c: update t set n = 3 where id = 2 (waited for b until step 8)",
    ]);
  });

  test("one COMMIT lets several go, and all that is possible behind them", async () => {
    const read = statement("select n from t where id = 1 for share");
    const staged = await stage(
      server(),
      scene({
        a: transaction("update t set n = 1 where id = 1"),
        b: read,
        c: read,
        d: statement("update t set n = 5 where id = 1"),
      }),
    );
    const { trace } = await staged.run(["a", "a", "b", "c", "d", "a"]);
    expect(story(trace).slice(2)).toEqual([
      expect.stringMatching(/^b: .* \(waited for a until step 5\)$/),
      expect.stringMatching(/^c: .* \(waited for a until step 5\)$/),
      expect.stringMatching(/^d: .* \(waited for b, c until step 5\)$/),
      "a: commit",
    ]);
    expect([returned(trace, "b"), returned(trace, "c")]).toEqual([[{ n: 1 }], [{ n: 1 }]]);
    for (let i = 0; i < 10; i++) expect(firstDifference(trace, (await again(staged, trace)).trace)).toBeUndefined();
  });

  test("who insert one key: the first gets it once the row that was there first is rolled back", async () => {
    const undo: Act = async ({ pool }) => {
      const client = await pool.connect();
      await client.query("begin");
      await client.query("insert into t values (7)");
      await client.query("rollback");
      client.release();
    };
    const insert = transaction("insert into t values (7) returning id");
    const staged = await stage(server(), scene({ a: undo, b: insert, c: insert }));
    const { trace } = await staged.run(["a", "a", "c", "b", "c", "b", "a"]);
    expect([returned(trace, "c"), returned(trace, "b")]).toEqual([[{ id: 7 }], "23505"]);
    for (let i = 0; i < 10; i++) expect(firstDifference(trace, (await again(staged, trace)).trace)).toBeUndefined();
  });

  test("that share a lock are named in one order", async () => {
    const share = transaction("lock table t in share mode");
    const staged = await stage(
      server(),
      scene({ a: share, b: share, c: share, d: statement("update t set n = 5 where id = 1") }),
    );
    const { trace } = await staged.run(["c", "c", "a", "a", "b", "b", "d", "b", "c", "a"]);
    expect(trace.steps[6]!.wait).toMatchObject({ holders: ["a", "b", "c"], until: 9 });
  });
});

describe("what ends a wait otherwise", () => {
  test("lock_timeout, in the middle of other steps and with nobody left to move", async () => {
    const impatient: Act = async ({ pool }) => {
      const client = await pool.connect();
      await client.query("begin");
      await client.query("set local lock_timeout = '60ms'");
      const code = await client.query("update t set n = 2").catch((error: { code: string }) => error.code);
      await client.query("rollback");
      client.release();
      return code;
    };
    const sleepy = transaction("update t set n = 1", "select pg_sleep(0.2)");
    const { trace } = await play(server(), scene({ a: sleepy, b: impatient }), ["a", "a", "b", "b", "b", "a"]);
    expect(story(trace).slice(4)).toEqual([
      "b: update t set n = 2 ! 55P03 (waited for a until it ended by itself)",
      "a: select pg_sleep(0.2)",
      "a: commit",
      "b: rollback",
    ]);
    expect(returned(trace, "b")).toBe("55P03");

    const alone = await play(
      server(),
      scene({
        a: async (context) => {
          const client: PoolClient = await context.pool.connect();
          await client.query("begin; update t set n = 1");
          const got = await impatient(context);
          await client.query("rollback");
          client.release();
          return got;
        },
      }),
    );
    expect(story(alone.trace)[3]).toBe("a#2: update t set n = 2 ! 55P03 (waited for a until it ended by itself)");
  });

  test("a lock that nobody will ever give up is said to be one, by name", async () => {
    const staged = await stage(
      server(),
      scene({
        a: async ({ pool }) => {
          const client = await pool.connect();
          await client.query("begin; update t set n = 1");
        },
        b: statement("update t set n = 2"),
      }),
    );
    const executed = await staged.run(["a", "b"]);
    const message = '"b" waits for a lock that a holds, in: update t set n = 2';
    expect(results(executed.trace, "b")).toEqual([{ threw: { name: "Stuck", message, code: null } }]);
    expect(judge(staged.model, programOf(staged.model), executed)).toEqual([
      { invariant: operationsEnd, way: "b 1 is stuck", message: `"b 1" of b never ended: ${message}` },
    ]);
    expect((await staged.run(["b", "a"])).trace.steps).toHaveLength(2);
  });
});

describe("errors that come of concurrency reach the code under test as they are", () => {
  test("40001 under SERIALIZABLE, at the statement or at COMMIT", async () => {
    const skew = (mine: number, theirs: number) =>
      transaction(
        "set transaction isolation level serializable",
        `select n from t where id = ${theirs}`,
        `update t set n = 1 where id = ${mine}`,
      );
    const order = ["a", "a", "b", "b", "a", "b", "a", "b", "a", "b"];
    const { trace } = await play(server(), scene({ a: skew(1, 2), b: skew(2, 1) }), order);
    expect([returned(trace, "a"), returned(trace, "b")]).toEqual([[], "40001"]);
    expect(trace.state["t"]!.map(({ n }) => n)).toEqual([1, 0, 0]);
  });

  test("40001 under REPEATABLE READ, after a wait", async () => {
    const update = transaction(
      "set transaction isolation level repeatable read",
      "update t set n = n + 1 where id = 1",
    );
    const { trace } = await play(server(), scene({ a: update, b: update }), ["a", "a", "a", "b", "b", "b", "a"]);
    expect(story(trace)[5]).toBe("b: update t set n = n + 1 where id = 1 ! 40001 (waited for a until step 6)");
    expect(returned(trace, "b")).toBe("40001");
  });

  test("a unique violation, after a wait", async () => {
    const insert = statement("insert into t values (7)");
    const { trace } = await play(server(), scene({ a: transaction("insert into t values (7)"), b: insert }), [
      "a",
      "a",
      "b",
      "a",
    ]);
    expect(results(trace, "b")).toEqual([{ threw: expect.objectContaining({ code: "23505" }) }]);
  });
});
