import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Json } from "../../src/execution/program.js";
import { showSql, verbOf } from "../../src/report/sql.js";
import { text } from "./arbitraries.js";

function clauses(sql: string, values: readonly Json[] = []): string[] {
  return showSql(sql, values).map((clause) => clause.map(({ text }) => text).join(""));
}

function shown(sql: string, values: readonly Json[] = []): string {
  return clauses(sql, values).join(" ");
}

describe("clauses", () => {
  test.each([
    [
      "SELECT a, b FROM t WHERE x = 1 ORDER BY a LIMIT 1",
      ["SELECT a, b", "FROM t", "WHERE x = 1", "ORDER BY a", "LIMIT 1"],
    ],
    ["delete from t using u where x = 1 returning *", ["delete from t", "using u", "where x = 1", "returning *"]],
    ["UPDATE t SET a = 1, b = 2 WHERE c", ["UPDATE t", "SET a = 1, b = 2", "WHERE c"]],
    [
      "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2",
      ["INSERT INTO t (a)", "VALUES (1)", "ON CONFLICT (a) DO UPDATE", "SET a = 2"],
    ],
    [
      "SELECT * FROM t LEFT JOIN u ON u.id = t.id FOR UPDATE",
      ["SELECT *", "FROM t", "LEFT JOIN u ON u.id = t.id", "FOR UPDATE"],
    ],
    ["SELECT (SELECT 1 FROM x WHERE y) FROM t", ["SELECT (SELECT 1 FROM x WHERE y)", "FROM t"]],
    [
      "WITH d AS (DELETE FROM t RETURNING id) UPDATE u SET a = 1",
      ["WITH d AS (DELETE FROM t RETURNING id)", "UPDATE u", "SET a = 1"],
    ],
    ["SELECT 1 WHERE a IS DISTINCT FROM b", ["SELECT 1", "WHERE a IS DISTINCT FROM b"]],
    ["BEGIN ISOLATION LEVEL SERIALIZABLE", ["BEGIN ISOLATION LEVEL SERIALIZABLE"]],
  ])("of %s", (sql, expected) => {
    expect(clauses(sql)).toEqual(expected);
  });
});

describe("whitespace and comments", () => {
  test.each([
    ["  SELECT\n\t1 ;\n", "SELECT 1"],
    ["SELECT 1 -- why\n, 2 /* a /* nested */ one */ , 3", "SELECT 1, 2, 3"],
    ["SELECT '  kept -- too '  , $$ a  b $$", "SELECT '  kept -- too ', $$ a  b $$"],
    ["SELECT ( 1 )", "SELECT (1)"],
    ["SELECT E'it\\'s' , 'it''s'", "SELECT E'it\\'s', 'it''s'"],
    ['SELECT "a  b"', 'SELECT "a  b"'],
    ["SELECT 'a\nb'", "SELECT 'a␊b'"],
  ])("of %j", (sql, expected) => {
    expect(shown(sql)).toBe(expected);
  });
});

describe("parameters", () => {
  test.each([
    [[1, "failed"], "SET a = ‹1›, b = ‹failed›"],
    [[null, ""], 'SET a = ‹null›, b = ‹""›'],
    [["null", " x"], 'SET a = ‹"null"›, b = ‹" x"›'],
    [[{ a: [1] }, "x".repeat(99)], "SET a = ‹{a: [1]}›, b = ‹xxxxxxxxxxxxxxxxxxxxxxx…›"],
    [["\u001b[31m", "a|b"], "SET a = ‹␛[31m›, b = ‹a|b›"],
    [[1], "SET a = ‹1›, b = $2"],
  ])("%j", (values, expected) => {
    expect(shown("SET a = $1, b = $2", values)).toBe(expected);
  });

  test("not within strings and dollar quotes", () => {
    expect(shown("SELECT '$1', $a$ $1 $a$", [7])).toBe("SELECT '$1', $a$ $1 $a$");
  });

  test("are told apart by their role", () => {
    expect(
      showSql("SELECT $1", [7])
        .flat()
        .map(({ role }) => role),
    ).toEqual(["verb", "sql", "parameter"]);
  });
});

describe("long statements", () => {
  const columns = Array.from({ length: 50 }, (_, index) => `column_${index}`).join(", ");

  test("keep the table and the keys", () => {
    expect(shown(`SELECT ${columns} FROM worker_runs WHERE run_id = $1 AND partition_id = $2`, [1, 2])).toBe(
      "SELECT column_0, column_1, column_2, column_3, column_4, … FROM worker_runs WHERE run_id = ‹1› AND partition_id = ‹2›",
    );
  });

  test("lose long parentheses first", () => {
    expect(shown(`INSERT INTO worker_runs (${columns}) VALUES (${columns}) RETURNING id`)).toBe(
      "INSERT INTO worker_runs (…) VALUES (…) RETURNING id",
    );
  });

  test("lose minor clauses last", () => {
    const joins = Array.from({ length: 20 }, (_, index) => `JOIN other_${index} ON other_${index}.id = t.id`).join(" ");
    expect(shown(`SELECT a FROM t ${joins} WHERE t.id = 1`)).toBe("SELECT a FROM t WHERE t.id = 1 …");
  });

  test("stay short whatever they are, and quick to show", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 300 }), (parts) => {
        expect(shown(parts.join(" ")).length).toBeLessThan(1500);
      }),
    );
    const start = performance.now();
    for (const part of ["(", "/*", "'", "$a$", "x ", "$1 ", "\u0301", "表"]) showSql(part.repeat(10_000), ["v"]);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

test("the verb is the first word", () => {
  expect(verbOf("/* hi */ commit;")).toBe("COMMIT");
  expect(verbOf("")).toBe("");
});
