import { describe, expect, test } from "vitest";

import { parseSpecFile } from "../../src/spec/parse.js";
import { planOf } from "../../src/spec/plan.js";
import type { PermutationRun } from "../../src/spec/run-permutation.js";
import { Summing, summaryText } from "../../src/spec/summary.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { serverForFile } from "../support.js";
import { printed, runText } from "./support.js";

const server = serverForFile();

const lostUpdate = `
setup { CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0); }
teardown { DROP TABLE t; }
session s1
setup { BEGIN; }
step r1 { SELECT v FROM t; }
step u1 { UPDATE t SET v = v + 1 RETURNING v; }
step c1 { COMMIT; }
session s2
setup { BEGIN; }
step r2 { SELECT v FROM t; }
step u2 { UPDATE t SET v = v + 1 RETURNING v; }
step c2 { COMMIT; }
`;

describe("runSpec", () => {
  test("tells the impossible orders from the others, and does not wait for them", async () => {
    const begin = performance.now();
    const runs = await runText(server(), lostUpdate, { patience: 300 });
    expect(runs).toHaveLength(20);
    // In these a session was to go on while it waited for the other one's COMMIT.
    const impossible = runs.filter(({ cancelled }) => cancelled.length > 0);
    expect(impossible.map(({ permutation }) => permutation.map(({ step }) => step.name).join(" "))).toEqual([
      "r1 u1 r2 u2 c2 c1",
      "r1 r2 u1 u2 c2 c1",
      "r1 r2 u2 u1 c1 c2",
      "r2 r1 u1 u2 c2 c1",
      "r2 r1 u2 u1 c1 c2",
      "r2 u2 r1 u1 c1 c2",
    ]);
    expect(impossible[0]!.text).toContain("isolationtester: canceling step u2 after 300 seconds\n");
    expect(performance.now() - begin).toBeLessThan(60_000);
  });

  test("sums up outcomes, waits and impossible orders", async () => {
    const { spec } = parseSpecFile(lostUpdate, "test.spec");
    const summing = new Summing(spec);
    for (const run of await runText(server(), lostUpdate)) summing.add(run);
    expect(summaryText("test.spec", summing.summary)).toBe(`test.spec: 2 sessions, 20 permutations, 4 distinct outcomes
  impossible  6 permutations, in which a session was to go on while it waited for a later step
  waited      u2 in 3, u1 in 3
  outcome 1   1 permutation, first: r1 u1 c1 r2 u2 c2
              r1 → v=0
              r2 → v=1
              u1 → v=1
              u2 → v=2
  outcome 2   6 permutations, first: r1 u1 r2 c1 u2 c2
              r1 → v=0
              r2 → v=0
              u1 → v=1
              u2 → v=2
  outcome 3   6 permutations, first: r1 r2 u2 u1 c2 c1
              r1 → v=0
              r2 → v=0
              u1 → v=2
              u2 → v=1
  outcome 4   1 permutation, first: r2 u2 c2 r1 u1 c1
              r1 → v=1
              r2 → v=0
              u1 → v=2
              u2 → v=1
`);
  });

  test("prints the same on one lane and on several", async () => {
    const { spec } = parseSpecFile(lostUpdate, "test.spec");
    expect(planOf(spec)).toEqual({ apart: true, reset: true, alone: false });
    expect(await printed(server(), lostUpdate.replace("step c2", "step x2 { SELECT 1; }\nstep c2"), { lanes: 3 })).toBe(
      await printed(server(), lostUpdate.replace("step c2", "step x2 { SELECT 1; }\nstep c2")),
    );
  });

  test("on several lanes, rows that are longer than they look lie as in a new table", async () => {
    const text = `
      setup { CREATE TABLE t (id int, v text); INSERT INTO t SELECT g, 'v' FROM generate_series(1, 8) g; }
      teardown { DROP TABLE t; }
      session s1
      step u1 { UPDATE t SET v = v || repeat('x', 300) WHERE id % 2 = 0; }
      step d1 { DELETE FROM t WHERE id < 3; }
      step r1 { SELECT id FROM t; }
      session s2
      step i2 { INSERT INTO t SELECT g, repeat('y', 500) FROM generate_series(20, 24) g; }
      step r2 { SELECT id FROM t; }
      step u2 { UPDATE t SET v = id; }
      step w2 { SELECT id FROM t LIMIT 3; }`;
    expect(await printed(server(), text, { lanes: 2 })).toBe(await printed(server(), text));
  });

  test("wakes two that wait for one row in the order in which they began to", async () => {
    const text = `
      setup { CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0); }
      teardown { DROP TABLE t; }
      session s1
      setup { BEGIN; }
      step u1 { UPDATE t SET v = 1; }
      step c1 { COMMIT; }
      session s2
      step u2 { UPDATE t SET v = v * 10 RETURNING v; }
      session s3
      step u3 { UPDATE t SET v = v + 5 RETURNING v; }
      ${"permutation u1 u3 u2 c1\n".repeat(30)}`;
    const runs = await runText(server(), text);
    expect(new Set(runs.map((run) => run.text)).size).toBe(1);
    expect(runs[0]!.text).toContain(
      "step u3: <... completed>\nv\n-\n6\n(1 row)\n\nstep u2: <... completed>\n v\n--\n60\n",
    );
  });

  test("notices a permutation that leaves a transaction open, and goes on after it as in one database", async () => {
    const text = `
      setup { CREATE TABLE IF NOT EXISTS t (v int); INSERT INTO t VALUES (1); }
      teardown { DROP TABLE t; }
      session s1
      step b1 { BEGIN; }
      step c1 { COMMIT; }
      step s1 { SELECT now() = statement_timestamp() AS fresh; }
      session s2
      step x2 { SELECT 1; }
      ${"permutation b1 s1 c1 x2\n".repeat(25)}
      permutation b1
      permutation s1 c1
      permutation s1`;
    expect(await printed(server(), text, { lanes: 3 })).toBe(await printed(server(), text));
  });

  test("by the exhaustive strategy, comes to every outcome in few of the orders", async () => {
    const outcomes = (runs: readonly PermutationRun[]) => {
      const summing = new Summing(parseSpecFile(lostUpdate, "test.spec").spec);
      for (const run of runs) summing.add(run);
      return summing.summary.outcomes.map(({ answers }) => JSON.stringify(answers)).toSorted();
    };
    let exhausted = false;
    const onSearched = (result: boolean) => (exhausted = result);
    const few = await runText(server(), lostUpdate, { strategy: exhaustive, onSearched });
    expect(exhausted).toBe(true);
    expect(few.length).toBeLessThanOrEqual(6);
    expect(outcomes(few)).toEqual(outcomes(await runText(server(), lostUpdate)));
    expect(few[0]!.text).toContain("\nstarting permutation: r1 u1 c1 r2 u2 c2\nstep r1: ");
  });
});

describe("planOf", () => {
  const plan = (setup: string, step: string, teardown = "DROP TABLE t;") =>
    planOf(parseSpecFile(`setup { ${setup} } teardown { ${teardown} } session s step a { ${step} }`, "x").spec);
  const table = "CREATE TABLE t (v int); INSERT INTO t VALUES (1);";

  test.each([
    [table, "BEGIN; SELECT * FROM t FOR UPDATE; COMMIT"],
    [table, "/* drop; */ UPDATE t SET v = 2 -- create table x; \n WHERE v = 1"],
    [table, "INSERT INTO t SELECT v FROM t; SELECT '; drop table t', $$;create$$"],
  ])("puts rows back after %s %s", (setup, step) =>
    expect(plan(setup, step)).toEqual({ apart: true, reset: true, alone: false }),
  );

  test.each([
    [`${table} ALTER TABLE t ADD w int;`, "SELECT * FROM t"],
    ["CREATE TABLE t AS SELECT 1 AS v;", "SELECT * FROM t"],
  ])("makes tables anew, but apart, after %s %s", (setup, step) =>
    expect(plan(setup, step)).toEqual({ apart: true, reset: false, alone: false }),
  );

  test("gives each lane a server of its own for what is serializable", () =>
    expect(plan(table, "BEGIN ISOLATION LEVEL SERIALIZABLE")).toEqual({ apart: true, reset: true, alone: true }));

  test.each([
    [table, "CREATE TABLE u ()"],
    [table, "SELECT ctid FROM t"],
    [table, "SELECT v INTO u FROM t"],
    [table, "SET lock_timeout = 1"],
    [table, "SELECT pg_advisory_lock(1)"],
    [table, "NOTIFY x"],
    [table, "SELECT lastval()"],
    [table, "SELECT setseed(0.5)"],
    [table, "VACUUM t"],
    [`${table} CREATE ROLE r;`, "SELECT 1"],
    [`${table} CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';`, "SELECT f()"],
  ])("runs one after the other with %s %s", (setup, step) => expect(plan(setup, step).apart).toBe(false));
});
