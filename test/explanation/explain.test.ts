import { describe, expect, test } from "vitest";

import { firstDifference } from "../../src/execution/compare.js";
import { execute } from "../../src/execution/execution.js";
import { assignedPool } from "../../src/execution/pool.js";
import { explain, watchOf } from "../../src/explanation/explain.js";
import { siteOf } from "../../src/explanation/sites.js";
import { judge } from "../../src/oracle/judge.js";
import { follow } from "../../src/strategy/follow.js";
import { programOf, serverForFile, stage, type Act, type Scene } from "../support.js";

const server = serverForFile();

/** Runs a scene once, once more with somebody who looks on, and explains it. */
async function explained(scene: Scene, order: readonly string[]) {
  const { lanes, model, run } = await stage(server(), scene, 2);
  const { trace } = await run(order, { record: true });
  const program = programOf(model);
  const assignment = { model, implementation: "only", program, pool: assignedPool, record: true };
  const watch = (await watchOf(lanes, assignment, trace))!;
  const executed = await lanes.run((lane) => execute(lane, { ...assignment, observer: watch }, follow(trace.schedule)));
  expect(firstDifference(trace, executed.trace)).toBeUndefined();
  const violations = judge(model, program, executed);
  return { trace, violations, ...(await explain(lanes, assignment, { executed, watch }, violations)) };
}

const add: Act = async ({ pool }) => {
  const client = await pool.connect();
  await client.query("BEGIN");
  const { rows } = await client.query<{ n: number }>("SELECT n FROM t WHERE id = 1");
  await client.query("UPDATE t SET n = $1 WHERE id = 1", [rows[0]!.n + 1]);
  await client.query("COMMIT");
  client.release();
};

const counter: Scene = {
  schema: "CREATE TABLE t (id int PRIMARY KEY, n int)",
  rows: { t: [{ id: 1, n: 0 }] },
  state: { t: "SELECT id, n FROM t ORDER BY id" },
  actors: { a: add, b: add },
  more: { invariants: { "nothing is lost": ({ t }) => (t?.[0]?.["n"] === 2 ? undefined : "lost") } },
};

describe("a lost update", () => {
  test("which answer was stale, which write made it so, and which step went by it", async () => {
    const { stale } = await explained(counter, ["a", "a", "b", "b", "b", "b"]);
    expect(stale).toEqual([
      {
        read: 1,
        since: 5,
        write: 4,
        used: 6,
        before: { rowCount: 1, rows: [{ n: 0 }] },
        after: { rowCount: 1, rows: [{ n: 1 }] },
      },
    ]);
  });

  test("the two steps to swap, found by running it", async () => {
    const { swap } = await explained(counter, ["a", "a", "b", "b", "b", "b"]);
    const { tried, passing } = swap!;
    expect(tried).toBe(2);
    expect(passing).toMatchObject({
      first: 1,
      second: 5,
      breaks: [],
      reason: "b publishes t.n (id = 1), which a reads",
    });
    const reads = passing!.steps.flatMap(({ session, text, outcome }) =>
      outcome.kind === "rows" && text.startsWith("SELECT") ? [[session, outcome.rows]] : [],
    );
    expect(reads).toEqual([
      ["b", [{ n: 0 }]],
      ["a", [{ n: 1 }]],
    ]);
  });

  test("what open transactions see beside what is committed", async () => {
    const { views } = await explained(counter, ["a", "a", "b", "b", "b", "b"]);
    expect(views[0]).toEqual({ committed: { t: [{ id: 1, n: 0 }] } });
    expect(views[5]).toEqual({ sessions: { b: { t: [{ id: 1, n: 1 }] } } });
    expect(views[6]).toEqual({ committed: { t: [{ id: 1, n: 1 }] } });
  });

  test("where each statement stands, and the lines around it", async () => {
    const { sites, sources } = await explained(counter, ["a", "a", "b", "b", "b", "b"]);
    expect(sites.map((site) => site?.file)).toEqual(
      Array.from({ length: 8 }, () => "test/explanation/explain.test.ts"),
    );
    const [source] = sources;
    const lineOf = (index: number) => source!.lines[sites[index]!.line - source!.from];
    expect(lineOf(0)).toContain('client.query("BEGIN")');
    expect(lineOf(1)).toContain("SELECT n FROM t");
    expect(JSON.stringify(sources)).not.toContain(process.cwd());
  });
});

describe("what is not sure is not said", () => {
  const insert: Act = ({ pool }) => pool.query("INSERT INTO t VALUES (2, 0)");
  const reader =
    (sql: string, isolation = "READ COMMITTED"): Act =>
    async ({ pool }) => {
      const client = await pool.connect();
      await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
      await client.query(sql);
      await client.query("UPDATE t SET n = 5 WHERE id = 1");
      await client.query("COMMIT");
      client.release();
    };

  test.each([
    ["a query that is never answered twice the same", "SELECT clock_timestamp() FROM t"],
    ["a query that locks what it reads", "SELECT n FROM t WHERE id = 1 FOR UPDATE"],
    ["a query that another actor did not touch", "SELECT n FROM t WHERE id = 1"],
  ])("%s", async (_, sql) => {
    const scene = { ...counter, actors: { a: reader(sql), b: insert } };
    expect((await explained(scene, ["a", "a", "b"])).stale).toEqual([]);
  });

  test("looking neither takes a snapshot nor a predicate lock", async () => {
    for (const level of ["REPEATABLE READ", "SERIALIZABLE"]) {
      const scene = { ...counter, actors: { a: reader("SELECT count(*) FROM t", level), b: insert } };
      const { trace, views } = await explained(scene, ["a", "b"]);
      // The snapshot is taken by the query, behind the insert.
      expect(trace.steps[2]!.outcome).toMatchObject({ rows: [{ count: "2" }] });
      expect(views[1]).toEqual({});
      expect(views[4]?.sessions === undefined).toBe(level === "SERIALIZABLE");
    }
  });

  test("one actor alone has no order that could be another", async () => {
    const { swap, edges, violations } = await explained({ ...counter, actors: { a: add } }, []);
    expect(violations).toHaveLength(1);
    expect([swap, edges]).toEqual([null, []]);
  });
});

describe("the place of a statement", () => {
  test.each([
    ["code of the project", "    at save (/srv/app/src/db.ts:12:5)", { file: "src/db.ts", line: 12, function: "save" }],
    [
      "behind an await",
      "    at async Repo.save (file:///srv/app/a%20b.ts:3:1)",
      { file: "a b.ts", line: 3, function: "Repo.save" },
    ],
    ["without a function", "    at /srv/app/x.js:1:1", { file: "x.js", line: 1, function: null }],
    [
      "a package",
      "    at q (/srv/app/node_modules/orm/i.js:1:1)\n    at f (/srv/app/y.ts:9:1)",
      { file: "y.ts", line: 9, function: "f" },
    ],
    ["elsewhere", "    at f (/home/somebody/y.ts:9:1)", null],
    ["Node's own", "    at f (node:internal/process:9:1)", null],
  ])("%s", (_, stack, site) => {
    expect(siteOf(`Error\n${stack}`, "/srv/app")).toEqual(site);
  });
});
