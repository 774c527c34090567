import { describe, expect, test } from "vitest";

import { changesSchema } from "../../src/session/changes-schema.js";
import { returned, serverForFile, stage } from "../support.js";

const server = serverForFile();

describe("what operations do to the schema is undone before the next execution:", () => {
  test("tables, columns, functions and schemas come and go", async () => {
    const staged = await stage(server(), {
      schema:
        "create schema other; create table t (id int primary key, n int not null default 0); insert into t values (9)",
      rows: { t: [{ id: 1 }] },
      state: { t: "select to_jsonb(t) as row from t order by id" },
      actors: {
        a: async ({ pool }) => {
          await pool.query("alter table t drop column n");
          await pool.query("create table other.more (id int); create schema third");
          await pool.query("drop function if exists f; create function f() returns int return 1");
          return (await pool.query("select * from t order by id")).rows;
        },
      },
    });
    for (let i = 0; i < 3; i++) {
      const { trace } = await staged.run();
      expect(returned(trace, "a")).toEqual([{ id: 1 }, { id: 9 }]);
      expect(trace.state["t"]).toEqual([{ row: { id: 1 } }, { row: { id: 9 } }]);
    }
  });

  test("and what `prepare` did, which each execution may begin with", async () => {
    const staged = await stage(server(), {
      schema: "create table t (id int primary key, n int not null default 0)",
      rows: { t: [{ id: 1 }] },
      actors: { a: async ({ pool }) => (await pool.query("select * from t")).rows },
      more: { prepare: () => (phase === 0 ? "" : "alter table t drop column n; update t set id = 7") },
    });
    let phase = 0;
    for (const expected of [{ id: 1, n: 0 }, { id: 7 }, { id: 1, n: 0 }, { id: 1, n: 0 }, { id: 7 }]) {
      phase = "n" in expected ? 0 : 1;
      expect(returned((await staged.run()).trace, "a")).toEqual([expected]);
    }
  });
});

test("what may change the schema is known by its first words, wherever it stands in a text", () => {
  for (const text of [
    "ALTER TABLE t",
    "select 1; drop table t",
    "/* x */ create index i on t (n)",
    "-- a\ncreate table x()",
  ])
    expect(changesSchema(text)).toBe(true);
  for (const text of ["select 'drop table t'", "create temp table x ()", "update t set created = now()", "begin"])
    expect(changesSchema(text)).toBe(false);
});
