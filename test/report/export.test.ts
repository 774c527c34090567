import pg from "pg";
import { expect, test } from "vitest";

import { isolationtesters } from "../../bench/isolationtester.js";
import { execute } from "../../src/execution/execution.js";
import { Lanes } from "../../src/execution/lanes.js";
import type { Fault } from "../../src/execution/program.js";
import type { Trace } from "../../src/execution/trace.js";
import { toPsql } from "../../src/report/export-psql.js";
import { toSpec } from "../../src/report/export-spec.js";
import { reproductionOf, type Reproduction } from "../../src/report/reproduction.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";
import { yieldPoint } from "../../src/session/yield-point.js";
import { followOrder } from "../../src/strategy/follow.js";
import type { FaultKind } from "../../src/strategy/fault.js";
import { printed, soon } from "../spec/support.js";
import { modelOf, programOf, serverForFile, type Scene } from "../support.js";
import { counterexampleOf } from "./fixtures.js";

const server = serverForFile();
const [reference] = await isolationtesters();

const nasty = `it's {"a": [1, "}"]} \\ $1 -- no comment`;

const schema = `
-- a comment with a brace }
CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, note text, data jsonb, tags text[]);
CREATE FUNCTION braces() RETURNS text LANGUAGE sql AS $body$ SELECT '{}'::text || '\\' $body$;
`;

const scene: Scene = {
  schema,
  rows: {
    account: [
      { id: 1, balance: 10, note: nasty, data: { a: "}" }, tags: ["x", "}"] },
      { id: 2, balance: 0 },
    ],
  },
  state: { account: "SELECT id, balance, note, data, tags, braces() AS b FROM account ORDER BY id" },
  actors: {
    // Both read before either writes: an update is lost.
    alice: async ({ pool }) => {
      const client = await pool.connect();
      await client.query("BEGIN");
      const { rows } = await client.query("SELECT balance FROM account WHERE id = $1 AND note = $2", [1, nasty]);
      await yieldPoint("thinks about it");
      await client.query("UPDATE account SET balance = $2, data = $3, tags = $4 WHERE id = $1", [
        1,
        (rows[0] as { balance: number }).balance + 5,
        { said: nasty, "}": true },
        ["a", 'b"}', null],
      ]);
      await client.query("COMMIT -- at last");
      client.release();
    },
    'bob "the } builder"': async ({ pool }) => {
      const { rows } = await pool.query("SELECT balance FROM account WHERE id = 1");
      await pool.query("UPDATE account SET balance = $1, note = $2 WHERE id = 1", [
        (rows[0] as { balance: number }).balance + 7,
        null,
      ]);
    },
  },
};

async function record({
  scene,
  order,
  faults = [],
}: {
  scene: Scene;
  order: readonly (string | { to: string; fault: FaultKind })[];
  faults?: Fault[];
}): Promise<{ reproduction: Reproduction; trace: Trace }> {
  const model = modelOf(scene);
  const lanes = await Lanes.open(server(), model, 1);
  try {
    const program = { ...programOf(model), faults };
    const assignment = { model, implementation: "only", program, pool: new pg.Pool(), record: true };
    const { trace } = await lanes.run((lane) => execute(lane, assignment, followOrder(order)));
    const violations = [{ invariant: "nothing is lost", way: "lost", message: "an update\nis lost" }];
    const sketch = counterexampleOf({ actors: program.actors, steps: [], violations });
    const counterexample: Counterexample = { ...sketch, program, trace };
    return { reproduction: reproductionOf(model, counterexample), trace };
  } finally {
    await lanes.close();
  }
}

const bob = 'bob "the } builder"';
const lostUpdate = { scene, order: ["alice", "alice", bob, "alice", "alice", bob, "alice"] };

/** Runs what isolationtester is to run, through it where it is here; we print the same. */
async function endOf({ reproduction }: { reproduction: Reproduction }): Promise<string> {
  const spec = toSpec(reproduction);
  const ours = await printed(server(), spec);
  expect(reference === undefined ? ours : await reference.run(server(), spec, soon)).toBe(ours);
  return ours;
}

test("the exported spec ends in the recorded state", async () => {
  const recorded = await record(lostUpdate);
  const account = recorded.trace.state["account"]!;
  expect(account[0]).toMatchObject({ id: 1, balance: 17 });
  const text = await endOf(recorded);
  expect(text).toContain("step s6: UPDATE account SET balance = '17', note = NULL WHERE id = 1 <waiting ...>\n");
  expect(text).toContain("step s7: \nCOMMIT -- at last\n\nstep s6: <... completed>\n");
  const rows = text.split("step final account:")[1]!;
  expect(rows).toMatch(/^ 1\| +17\| +\|.*\{a,"b\\"\}",NULL\} *\|\{\}\\$/m);
  expect(rows).toMatch(/^ 2\| +0\|/m);
});

test("a lost answer, and a crash inside a transaction", async () => {
  const crashing: Scene = {
    schema: "CREATE TABLE t (id int PRIMARY KEY, v int)",
    rows: { t: [{ id: 1, v: 0 }] },
    state: { t: "SELECT * FROM t" },
    actors: {
      a: async ({ pool }) => {
        const client = await pool.connect();
        await client.query("BEGIN");
        await client.query("UPDATE t SET v = v + 1");
        await client.query("COMMIT");
        client.release();
      },
      b: async ({ pool }) => {
        await pool.query("UPDATE t SET v = v + 10");
      },
    },
  };
  const lost = await record({
    scene: crashing,
    order: ["a", "a", "b", { to: "a", fault: "lost answer" }],
    faults: [{ actor: "a", kind: "lost answer" }],
  });
  expect(lost.trace.state["t"]).toEqual([{ id: 1, v: 11 }]);
  expect(await endOf(lost)).toMatch(/step final t: SELECT \* FROM t\nid\| v\n--\+--\n 1\|11\n/);
  const crash = await record({
    scene: crashing,
    order: ["a", "a", { to: "a", fault: "crash" }, "b"],
    faults: [{ actor: "a", kind: "crash" }],
  });
  expect(crash.trace.state["t"]).toEqual([{ id: 1, v: 10 }]);
  expect(await endOf(crash)).toMatch(/step final t: SELECT \* FROM t\nid\| v\n--\+--\n 1\|10\n/);
});

test("a crash while a statement waits", async () => {
  const crashing: Scene = {
    schema: "CREATE TABLE t (id int PRIMARY KEY, v int)",
    rows: { t: [{ id: 1, v: 0 }] },
    state: { t: "SELECT * FROM t" },
    actors: {
      a: ({ pool }) => Promise.all([pool.query("UPDATE t SET v = v + 1"), pool.query("SELECT 'never sent'")]),
      b: async ({ pool }) => {
        const client = await pool.connect();
        await client.query("BEGIN");
        await client.query("UPDATE t SET v = v + 10");
        await client.query("COMMIT");
        client.release();
      },
    },
  };
  const order = ["b", "b", "a", { to: "a", fault: "crash" as const }, "b"];
  const recorded = await record({ scene: crashing, order, faults: [{ actor: "a", kind: "crash" }] });
  expect(recorded.trace.state["t"]).toEqual([{ id: 1, v: 10 }]);
  const text = await endOf(recorded);
  expect(text).toContain("step s3: <... completed>\nERROR:  canceling statement due to user request\n");
  expect(text).toMatch(/step final t: SELECT \* FROM t\nid\| v\n--\+--\n 1\|10\n/);
  expect(toPsql(recorded.reproduction)).toMatch(/^-- 4\. terminal \d \(a\): press Ctrl-C$/m);
});

test("the script for psql says who does what, and what to expect", async () => {
  const script = toPsql((await record(lostUpdate)).reproduction);
  expect(script).toContain(
    "-- 2 terminals, each with psql on the same database: terminal 1 is alice, terminal 2 is bob",
  );
  expect(script).toContain(
    "-- (thinks about it)\n-- 4. terminal 1 (alice):\nUPDATE account SET balance = '15', data = ",
  );
  expect(script).toContain("-- expect: no answer yet, it waits for alice\n");
  expect(script).toContain("COMMIT -- at last\n;\n-- expect: COMMIT\n-- now the statement that waits in terminal 2 (");
  expect(script).toMatch(/-- In the end, account:\n[^\n]*;\n-- expect: 2 rows\n-- id=1, balance=17, note=null, /);
});
