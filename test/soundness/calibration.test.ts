import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel, Isolation } from "../../src/execution/model.js";
import { serverForFile } from "../support.js";
import { explored, model } from "./outcomes.js";
import type { SqlProgram } from "./programs.js";

const server = serverForFile();
const lanesAt = new Map<Isolation, Lanes>();
beforeAll(async () => {
  for (const isolation of ["read committed", "repeatable read", "serializable"] as const)
    lanesAt.set(isolation, await Lanes.open(server(), model as AnyModel, 4, isolation));
});
afterAll(async () => {
  for (const lanes of lanesAt.values()) await lanes.close();
});

const within = (...statements: string[]) => ["begin", ...statements, "commit"];
const readModifyWrite = (n: number) =>
  within("select n from parent where id = 1", `update parent set n = ${n} where id = 1`);

const kernels: Record<string, SqlProgram & { atMost: number }> = {
  // 70 orders: 20 impossible, 40 lose an update, 10 are right.
  "lost update": { isolation: "read committed", sessions: [readModifyWrite(10), readModifyWrite(20)], atMost: 6 },
  "write skew": {
    isolation: "read committed",
    sessions: [1, 2].map((i) => within("select sum(n) from parent", `update parent set n = 0 where id = ${i}`)),
    atMost: 6,
  },
  "rows that have nothing to do with each other": {
    isolation: "read committed",
    sessions: [1, 2].map((i) =>
      within(`select n from parent where id = ${i}`, `update parent set n = 0 where id = ${i}`),
    ),
    atMost: 1,
  },
  "transfers in opposite directions": {
    isolation: "read committed",
    sessions: [
      [1, 2],
      [2, 1],
    ].map((ids) => within(...ids.map((i) => `update parent set n = n + ${i} where id = ${i}`))),
    // Four if nothing but the results counted; who waits for whom in a deadlock makes two more.
    atMost: 6,
  },
};

/** What a reduction that looks at statements alone gets wrong. */
const traps: Record<string, SqlProgram> = {
  "a trigger writes elsewhere": {
    isolation: "read committed",
    sessions: [within("update child set n = n + 5"), ["select count(*) from log", "insert into log (what) values (9)"]],
  },
  "a foreign key: a child for a parent that goes": {
    isolation: "read committed",
    sessions: [within("delete from parent where id = 2"), within("insert into child (id, parent_id) values (3, 2)")],
  },
  "a unique index: two rows with one key": {
    isolation: "read committed",
    sessions: [within("update parent set tag = 'c' where id = 1"), within("update parent set tag = 'c' where id = 2")],
  },
  "a function that reads another table": {
    isolation: "read committed",
    sessions: [["select total() as n", "select total() as n"], within("update parent set n = n + 10 where id = 1")],
  },
  "a view": {
    isolation: "read committed",
    sessions: [
      ["select * from children order by parent_id"],
      within("insert into child (id, parent_id) values (2, 2)"),
    ],
  },
  "two waiters on one row": {
    isolation: "read committed",
    sessions: [
      within("update parent set n = n + 10 where id = 1"),
      ["update parent set n = n * 2 where id = 1"],
      ["update parent set n = n - 1 where id = 1"],
    ],
  },
  "the read-only anomaly of serializable transactions": {
    isolation: "serializable",
    sessions: [
      within("select sum(n) from parent", "update parent set n = 5 where id = 1"),
      ["update parent set n = 20 where id = 2"],
      ["select id, n from parent order by id"],
    ],
  },
  "a snapshot that is taken late": {
    isolation: "repeatable read",
    sessions: [within("select 1", "select n from parent where id = 1"), ["update parent set n = 7 where id = 1"]],
  },
  "locks that are skipped, or not waited for": {
    isolation: "read committed",
    sessions: [
      within("select id from parent order by id for update skip locked"),
      within("select id from parent where id = 1 for update nowait"),
    ],
  },
};

describe("calibration: how many executions stand for all orders", () => {
  test.each(Object.entries(kernels))("%s", async (_, { atMost, ...program }) => {
    const lanes = lanesAt.get(program.isolation)!;
    const full = await explored(lanes, program, "all", 2_000);
    const reduced = await explored(lanes, program, "reduced", 2_000);
    expect([full.exhausted, reduced.exhausted]).toEqual([true, true]);
    expect([...reduced.outcomes].toSorted()).toEqual([...full.outcomes].toSorted());
    expect(reduced.executions).toBeLessThanOrEqual(atMost);
  });
});

describe("every outcome is found where the reduction could be fooled:", () => {
  test.each(Object.entries(traps))("%s", async (_, program) => {
    const lanes = lanesAt.get(program.isolation)!;
    const full = await explored(lanes, program, "all", 3_000);
    const reduced = await explored(lanes, program, "reduced", 3_000);
    expect([full.exhausted, reduced.exhausted]).toEqual([true, true]);
    expect([...reduced.outcomes].toSorted()).toEqual([...full.outcomes].toSorted());
    expect(full.outcomes.size).toBeGreaterThan(1);
    expect(reduced.executions).toBeLessThanOrEqual(full.executions);
  });
});
