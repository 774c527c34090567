import { describe, expect, test } from "vitest";

import { execute } from "../../src/execution/execution.js";
import { assignedPool } from "../../src/execution/pool.js";
import type { Fault, Program } from "../../src/execution/program.js";
import { aboutPrograms } from "../../src/explore/explore.js";
import { inOrder } from "../../src/explore/in-order.js";
import { yieldPoint } from "../../src/index.js";
import { eventsOf, happensBefore } from "../../src/strategy/events.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import type { About, Observed, Scheduler, Search } from "../../src/strategy/strategy.js";
import { exhaustivePart } from "../../src/strategy/subtrees.js";
import { programOf, serverForFile, stage, type Act, type Scene } from "../support.js";

const server = serverForFile();

/** What all orders have in common that differ by what commutes: who came to which step behind which others. */
function classOf(observed: Observed, about: About): string {
  const events = eventsOf(observed, about.footprints!());
  const { before } = happensBefore(events);
  const counts = new Map<string, number>();
  const names = events.map(({ key }) => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return `${key} ${count}`;
  });
  const behind = (index: number) => names.filter((_, other) => ((before[index]! >> BigInt(other)) & 1n) === 1n);
  return names
    .map((name, index) => `${name} behind ${behind(index).toSorted().join(", ")}`)
    .toSorted()
    .join("\n");
}

/** The classes of orders that the exhaustive strategy runs, and those that each of several parts of it does. */
async function classesOf(scene: Scene, of: number, faults: readonly Fault[], unsplit?: number) {
  const { lanes, model } = await stage(server(), scene, 2);
  const program: Program = { ...programOf(model), faults };
  const about = (await aboutPrograms(lanes, model))(program);
  const run = (scheduler: Scheduler) =>
    lanes.run((lane) =>
      execute(lane, { model, implementation: "only", program, pool: assignedPool, record: false }, scheduler),
    );
  const classes = async (search: Search) => {
    const found: string[] = [];
    const next = () => {
      const scheduler = search.next();
      return scheduler && { scheduler, isScout: "isScouting" in search && search.isScouting === true };
    };
    for await (const { job, result } of inOrder(next, (each) => run(each.scheduler))) {
      search.learn(result);
      // What turns out to be covered elsewhere is run to its end, but it is nothing of its own.
      const isCovered = "blockedAt" in job.scheduler && job.scheduler.blockedAt !== undefined;
      if (!job.isScout && !isCovered) found.push(classOf(result, about));
    }
    expect(search.exhausted).toBe(true);
    return found;
  };
  const parts: string[][] = [];
  for (let part = 0; part < of; part++) parts.push(await classes(exhaustivePart(part, of, unsplit).search("1", about)));
  return { whole: await classes(exhaustive.search("", about)), parts };
}

const add =
  (lock: string, row = 1): Act =>
  async ({ pool }) => {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const { rows } = await client.query<{ n: number }>(`select n from t where id = ${row} ${lock}`);
      await client.query(`update t set n = $1 where id = ${row}`, [rows[0]!.n + 1]);
      await client.query("commit");
    } finally {
      client.release();
    }
  };

const think: Act = async ({ pool }) => {
  await yieldPoint("think");
  await pool.query("update t set n = n + 1 where id = 2");
};

describe("the orders of one program, in parts: none is left out, and hardly any is run twice", () => {
  const crash: Fault[] = [{ actor: "a", kind: "crash" }];
  test.each<[what: string, actors: Scene["actors"], of: number, faults: Fault[]]>([
    ["two that lose an update", { a: add(""), b: add("") }, 3, []],
    ["two of whom one waits", { a: add("for update"), b: add("for update") }, 2, []],
    ["three that lose updates", { a: add(""), b: add(""), c: add("") }, 3, []],
    ["three, of whom one has little to do with the others", { a: add(""), b: add(""), c: think }, 4, []],
    ["three that wait for each other", { a: add("for update"), b: add("for update"), c: add("for update") }, 3, []],
    ["those that have nothing to do with each other", { a: add("", 1), b: add("", 2) }, 2, []],
    ["one that may crash", { a: add(""), b: add("") }, 3, crash],
  ])("%s", async (_, actors, of, faults) => {
    const { whole, parts } = await classesOf(sceneOf(actors), of, faults, 0);
    expect(new Set(parts.flat())).toEqual(new Set(whole));
    expect(parts.every((part) => part.length < Math.max(2, whole.length))).toBe(true);
    expect(parts.flat().length).toBeLessThanOrEqual(whole.length * 1.05);
  });
});

test("a program with few orders is one part's alone", async () => {
  const { whole, parts } = await classesOf(sceneOf({ a: add(""), b: add("") }), 3, []);
  expect(parts).toEqual([[], whole, []]);
});

function sceneOf(actors: Scene["actors"]): Scene {
  const rows = [1, 2].map((id) => ({ id, n: 0 }));
  const schema = "create table t (id int primary key, n int not null)";
  return { schema, rows: { t: rows }, actors, state: { t: "select * from t order by id" } };
}
