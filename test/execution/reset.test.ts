import { describe, expect, test } from "vitest";

import { execute } from "../../src/execution/execution.js";
import { Lanes } from "../../src/execution/lanes.js";
import { UsageError } from "../../src/index.js";
import { followOrder } from "../../src/strategy/follow.js";
import pg from "pg";
import { modelOf, programOf, serverForFile, stage, type Act, type Scene } from "../support.js";

const server = serverForFile();

/** The state that three executions end in, the second of them on pristine tables. */
async function thrice(scene: Scene): Promise<unknown[]> {
  const { run } = await stage(server(), scene);
  const states: unknown[] = [];
  for (const pristine of [false, true, false]) states.push((await run([], { pristine })).trace.state);
  return states;
}

const sql =
  (...statements: string[]): Act =>
  async ({ pool }) => {
    for (const statement of statements) await pool.query(statement);
  };

describe("each execution starts from the model's rows alone:", () => {
  test("tables are empty, and identities and sequences begin anew", async () => {
    const states = await thrice({
      schema: `
        create table t (id bigint generated always as identity primary key, note text default 'none', at int[]);
        create table u (id serial primary key, t bigint references t);
        create sequence s start 100 increment 10;`,
      rows: { t: [{}, { note: "given", at: [1, 2] }], u: [{ t: 1 }] },
      actors: { a: sql("insert into t default values", "insert into u (t) values (2)", "select nextval('s')") },
      state: {
        t: "select id, note, at from t order by id",
        u: "select * from u order by id",
        s: "select nextval('s')",
      },
    });
    const expected = {
      t: [
        { id: 1, note: "none", at: null },
        { id: 2, note: "given", at: [1, 2] },
        { id: 3, note: "none", at: null },
      ],
      u: [
        { id: 1, t: 1 },
        { id: 2, t: 2 },
      ],
      s: [{ nextval: 110 }],
    };
    expect(states).toEqual([expected, expected, expected]);
  });

  test("whatever columns are called", async () => {
    const states = await thrice({
      schema: `create table k (k text primary key, t text, q int); insert into k values ('x', 'y', 1);`,
      rows: { k: [{ k: "z", t: null, q: 2 }] },
      actors: { a: sql("update k set q = 3 where k = 'z'") },
      state: { q: "select q, t from k order by q" },
    });
    const rows = [
      { q: 1, t: "y" },
      { q: 3, t: null },
    ];
    expect(states).toEqual([{ q: rows }, { q: rows }, { q: rows }]);
  });

  test("rows that the schema itself inserts come back, with the sequences behind them", async () => {
    const states = await thrice({
      schema: `
        create table kind (id serial primary key, name text, big numeric, raw bytea, twice int generated always as (id * 2) stored);
        insert into kind (name, big, raw) values ('one', 12345678901234567890.123, '\\x0102'), ('two', 'NaN', null);
        create table big (id bigint primary key);
        insert into big values (9007199254740993);`,
      actors: {
        a: sql("delete from kind where id = 1", "insert into kind (name) values ('three')", "delete from big"),
      },
      state: {
        kind: "select id, name, big::text, raw::text, twice from kind order by id",
        big: "select id::text from big",
      },
    });
    const expected = {
      kind: [
        { id: 2, name: "two", big: "NaN", raw: null, twice: 4 },
        { id: 3, name: "three", big: null, raw: null, twice: 6 },
      ],
      big: [],
    };
    expect(states).toEqual([expected, expected, expected]);

    const { run } = await stage(server(), {
      schema:
        "create table big (id bigint primary key, n numeric, raw bytea); insert into big values (9007199254740993, 0.10, '\\x00ff')",
      actors: { a: sql("update big set n = 1") },
      state: { big: "select id::text, n::text, raw::text from big" },
    });
    await run();
    const { trace } = await run();
    expect(trace.state["big"]).toEqual([{ id: "9007199254740993", n: "1", raw: "\\x00ff" }]);
  });

  test("triggers do not fire for it, cycles of foreign keys do not matter, and names may be anything", async () => {
    const states = await thrice({
      schema: `
        create schema "Other Schema";
        create table "Mixed Case" ("Id" int primary key, "select" int);
        create table "Other Schema"."T" (id int primary key, mixed int references "Mixed Case");
        alter table "Mixed Case" add foreign key ("select") references "Other Schema"."T";
        create table log (id int generated always as identity, what text);
        create function note() returns trigger language plpgsql as $$ begin insert into log (what) values (tg_op); return null; end $$;
        create trigger note after insert or update or delete on "Mixed Case" for each row execute function note();`,
      rows: { "Mixed Case": [{ Id: 1, select: 2 }], "Other Schema.T": [{ id: 2, mixed: 1 }] },
      actors: { a: sql(`update "Mixed Case" set "select" = null`) },
      state: {
        mixed: `select * from "Mixed Case"`,
        other: `select * from "Other Schema"."T"`,
        log: "select * from log",
      },
    });
    const expected = {
      mixed: [{ Id: 1, select: null }],
      other: [{ id: 2, mixed: 1 }],
      log: [{ id: 1, what: "UPDATE" }],
    };
    expect(states).toEqual([expected, expected, expected]);
  });

  test("partitions, tables that inherit, and materialised views are theirs", async () => {
    const states = await thrice({
      schema: `
        create table p (id int, n int) partition by range (id);
        create table p1 partition of p for values from (0) to (10);
        create table p2 partition of p for values from (10) to (20);
        create table base (id int); create table derived (more int) inherits (base);
        insert into p values (3, 0); insert into base values (1); insert into derived values (2, 2);
        create materialized view sums as select sum(n)::int as sum from p;
        create table seen (sum int);`,
      rows: {
        p: [
          { id: 5, n: 5 },
          { id: 15, n: 10 },
        ],
      },
      actors: {
        a: sql(
          "insert into seen table sums",
          "update p set n = n + 1",
          "refresh materialized view sums",
          "insert into derived values (3, 3)",
        ),
      },
      state: {
        p: "select * from p order by id",
        base: "select id from base order by id",
        sums: "select sum from sums",
        seen: "select sum from seen",
      },
    });
    const expected = {
      p: [
        { id: 3, n: 1 },
        { id: 5, n: 6 },
        { id: 15, n: 11 },
      ],
      base: [{ id: 1 }, { id: 2 }, { id: 3 }],
      sums: [{ sum: 18 }],
      seen: [{ sum: 15 }],
    };
    expect(states).toEqual([expected, expected, expected]);
  });
});

describe("what a model gets wrong is its mistake, and named", () => {
  test("a schema, a state query, and rows that do not fit", async () => {
    const open = (scene: Scene) => Lanes.open(server(), modelOf(scene), 1);
    await expect(open({ schema: "create tabel t ()", actors: {} })).rejects.toThrow(
      /^Postgres refuses the schema of model "scene": syntax error.*\(42601\), near: tabel t/,
    );
    await expect(open({ state: { t: "select * from nothing" }, actors: {} })).rejects.toThrow(
      /^Postgres refuses the state queries of model "scene": relation "nothing" does not exist/,
    );
    const { run } = await stage(server(), { schema: "create table t (id int)", rows: { t: [{ idd: 1 }] }, actors: {} });
    await expect(run()).rejects.toThrow(
      /^Postgres refuses seeding model "scene" from null: column "idd".*does not exist/,
    );
    await expect(run()).rejects.toThrow(UsageError);
  });

  test("and a lane that was seeded wrongly is as good as before", async () => {
    let ids = [1, 1];
    const model = modelOf({
      schema: "create table t (id int primary key)",
      actors: { a: sql("insert into t values (2)") },
      state: { t: "select id from t order by id" },
      more: { seed: () => ({ t: ids.map((id) => ({ id })) }) },
    });
    const lanes = await Lanes.open(server(), model, 1);
    const run = () =>
      lanes.run((lane) =>
        execute(
          lane,
          { model, implementation: "only", program: programOf(model), pool: new pg.Pool(), record: false },
          followOrder([]),
        ),
      );
    try {
      await expect(run()).rejects.toThrow(/duplicate key.*\(23505\)/);
      ids = [1];
      expect((await run()).trace.state).toEqual({ t: [{ id: 1 }, { id: 2 }] });
    } finally {
      await lanes.close();
    }
  });
});

test("the display of a recorded run is left out where a reader would have to wait", async () => {
  const { run } = await stage(server(), {
    schema: "create table t (id int, n int)",
    rows: { t: [{ id: 1, n: 1 }] },
    actors: {
      a: async ({ pool }) => {
        const client = await pool.connect();
        await client.query("begin");
        await client.query("update t set n = 2");
        await client.query("truncate t");
        await client.query("commit");
        client.release();
      },
    },
    state: { t: "select id, n from t" },
  });
  const { trace } = await run([], { record: true });
  expect(trace.displayBefore).toEqual({ t: "1 1" });
  expect(trace.steps.map(({ display }) => display)).toEqual([{ t: "1 1" }, { t: "1 1" }, undefined, { t: "" }]);
});

test("what a recorded run shows of more than tables is looked at after each step", async () => {
  const { run } = await stage(server(), {
    schema: "create table t (id int); create sequence s; create view v as select last_value from s",
    rows: { t: [{ id: 1 }] },
    actors: {
      a: async ({ pool }) => {
        const client = await pool.connect();
        await client.query("begin");
        await client.query("select nextval('s'), nextval('s')");
        await client.query("rollback");
        client.release();
      },
    },
    state: { t: "select id from t", v: "select last_value from v" },
  });
  const { trace } = await run([], { record: true });
  expect(trace.steps.map(({ display }) => display?.["v"])).toEqual(["1", "2", "2"]);
  expect(trace.state["v"]).toEqual([{ last_value: 2 }]);
});
