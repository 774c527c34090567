import { describe, expect, test } from "vitest";

import { execute, type Executed } from "../../src/execution/execution.js";
import { assignedPool } from "../../src/execution/pool.js";
import type { Fault, Program } from "../../src/execution/program.js";
import { aboutPrograms } from "../../src/explore/explore.js";
import { inOrder } from "../../src/explore/in-order.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { follow } from "../../src/strategy/follow.js";
import type { Schedule } from "../../src/strategy/schedule.js";
import type { Scheduler } from "../../src/strategy/strategy.js";
import { yieldPoint } from "../../src/index.js";
import { programOf, serverForFile, stage, type Act, type Scene } from "../support.js";

const server = serverForFile();

/** Every order of a scene, and those that the exhaustive strategy runs: how many, and with what outcomes. */
async function both(scene: Scene, faults: readonly Fault[] = []) {
  const { lanes, model } = await stage(server(), scene, 3);
  const program: Program = { ...programOf(model), faults };
  const run = (scheduler: Scheduler) =>
    lanes.run((lane) =>
      execute(lane, { model, implementation: "only", program, pool: assignedPool, record: false }, scheduler),
    );
  const about = await aboutPrograms(lanes, model);
  const search = exhaustive.search("", about(program));
  const reduced: Executed[] = [];
  for await (const { result } of inOrder(() => search.next(), run)) {
    search.learn(result);
    reduced.push(result);
  }
  expect(search.exhausted).toBe(true);
  const schedules: Schedule[] = [[]];
  const full: Executed[] = [];
  for await (const { result } of inOrder(
    () => schedules.pop(),
    (schedule) => run(follow(schedule)),
  )) {
    const { trace, pending, chosen } = result;
    const from = (trace.schedule.at(-1)?.step ?? -1) + 1;
    for (const [step, choices] of [...pending.entries()].slice(from))
      for (const [other, { session: to, fault }] of choices.entries())
        if (other !== chosen[step])
          schedules.push([...trace.schedule, { step, to, ...(fault === undefined ? {} : { fault }) }]);
    full.push(result);
  }
  expect(outcomes(reduced)).toEqual(outcomes(full));
  return { full: full.length, reduced: reduced.length, outcomes: outcomes(full).length };
}

function outcomes(executed: readonly Executed[]): string[] {
  const each = executed.map(({ trace, world }) => {
    const results = trace.operations.map(({ actor, index, result }) => JSON.stringify([actor, index, result]));
    return JSON.stringify([results.toSorted(), trace.state, world]);
  });
  return [...new Set(each)].toSorted();
}

const table = {
  schema: "create table t (id int primary key, n int not null)",
  rows: { t: [1, 2, 3].map((id) => ({ id, n: 0 })) },
  state: { t: "select * from t order by id" },
};
const add =
  (id: number): Act =>
  async ({ pool }) =>
    (await pool.query("update t set n = n * 2 + $1 where id = $2 returning n", [id, id])).rows;

describe("exhaustive on Postgres", () => {
  test("an actor with two connections at once", async () => {
    const twoAtOnce: Act = async (context) => {
      const [written, read] = await Promise.all([add(1)(context), context.pool.query("select n from t where id = 2")]);
      return [written, read.rows];
    };
    const doubled: Act = async ({ pool }) => (await pool.query("update t set n = n * 2 + 1 where id < 3")).rowCount;
    const { full, reduced } = await both({ ...table, actors: { a: twoAtOnce, b: doubled } });
    expect(reduced).toBeLessThanOrEqual(full);
  });

  test("what actors share outside Postgres, behind yield points", async () => {
    const share: Act = async ({ pool, world, actor }) => {
      await yieldPoint("look");
      const seen = (world as { n: number }).n;
      await pool.query("select 1");
      await yieldPoint("write");
      (world as { n: number }).n = seen + 1;
      return `${actor} saw ${seen}`;
    };
    const { full, reduced, outcomes } = await both({ world: () => ({ n: 0 }), actors: { a: share, b: share } });
    expect(full).toBe(20);
    expect(reduced).toBe(6);
    // Both saw nothing, or one of them what the other wrote.
    expect(outcomes).toBe(3);
  });

  test("is never said to be complete where actors wait for each other behind our back", async () => {
    const oneAtATime: Act = (context) => {
      const world = context.world as { last: Promise<unknown> };
      world.last = world.last.then(() => add(1)(context));
      return world.last;
    };
    const { lanes, model } = await stage(
      server(),
      { ...table, world: () => ({ last: Promise.resolve() }), actors: { a: oneAtATime, b: [add(2), oneAtATime] } },
      2,
    );
    const search = exhaustive.search("", (await aboutPrograms(lanes, model))(programOf(model)));
    const program = programOf(model);
    for (let next = search.next(); next !== undefined; next = search.next()) {
      const scheduler = next;
      search.learn(
        await lanes.run((lane) =>
          execute(lane, { model, implementation: "only", program, pool: assignedPool, record: false }, scheduler),
        ),
      );
    }
    expect(search.exhausted).toBe(false);
  });

  test("rows that have nothing to do with each other take one order, rows in common all of theirs", async () => {
    const apart = await both({ ...table, actors: { a: [add(1), add(1)], b: [add(2), add(2)], c: add(3) } });
    expect(apart).toMatchObject({ full: 30, reduced: 1, outcomes: 1 });
    const together = await both({ ...table, actors: { a: [add(1), add(2)], b: [add(2), add(1)] } });
    // Of the six orders of four steps, three differ in who was first on which row.
    expect(together).toMatchObject({ full: 6, reduced: 3 });
  });

  test.each(["crash", "lost answer", "serialization failure", "deadlock"] as const)(
    "a fault at every step of its actor: %s",
    async (kind) => {
      const transaction: Act = async ({ pool }) => {
        const client = await pool.connect();
        try {
          await client.query("begin");
          await client.query("update t set n = n + 1 where id = 1");
          await client.query("commit");
        } finally {
          client.release();
        }
      };
      const { reduced, full } = await both({ ...table, actors: { a: [transaction, add(1)], b: add(1) } }, [
        { actor: "a", kind },
      ]);
      expect(reduced).toBeLessThan(full);
    },
  );
});
