import { describe, expect, test } from "vitest";

import { firstDifference } from "../../src/execution/compare.js";
import { yieldPoint } from "../../src/index.js";
import type { Fault } from "../../src/execution/program.js";
import { execute, type Executed } from "../../src/execution/execution.js";
import { Lanes } from "../../src/execution/lanes.js";
import { assignedPool } from "../../src/execution/pool.js";
import { follow } from "../../src/strategy/follow.js";
import type { FaultKind } from "../../src/strategy/fault.js";
import type { Schedule } from "../../src/strategy/schedule.js";
import { backends, modelOf, programOf, results, serverForFile, story, type Act, type Scene } from "../support.js";

const server = serverForFile();
const schema = "create table t (id int primary key, n int not null default 0)";
const rows = { t: [{ id: 1 }, { id: 2 }] };
const state = { t: "select id, n from t order by id" };

/** Two updates in one transaction. */
const both: Act = async ({ pool }) => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("update t set n = 1 where id = 1");
    await client.query("update t set n = 1 where id = 2");
    await client.query("commit");
    return "committed";
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    return (error as { code?: string }).code ?? (error as Error).message;
  } finally {
    client.release();
  }
};

async function run(scene: Scene, faults: readonly Fault[], schedules: readonly Schedule[]): Promise<Executed[]> {
  const model = modelOf({ schema, rows, state, ...scene });
  const lanes = await Lanes.open(server(), model, 1);
  try {
    const program = { ...programOf(model), faults };
    const assignment = { model, implementation: "only", program, pool: assignedPool, record: false };
    const all: Executed[] = [];
    for (const schedule of schedules) all.push(await lanes.run((lane) => execute(lane, assignment, follow(schedule))));
    return all;
  } finally {
    await lanes.close();
  }
}

const at = (step: number, fault: FaultKind, to = "a"): Schedule => [{ step, to, fault }];
const fault = (kind: FaultKind, actor = "a"): Fault => ({ actor, kind });
const values = ({ trace }: Executed) => trace.state["t"]!.map(({ n }) => n);

describe("a crash", () => {
  test("cuts the connection, so Postgres rolls back what was not committed", async () => {
    const schedules = [0, 1, 2, 3].map((step) => at(step, "crash"));
    const all = await run({ actors: { a: both } }, [fault("crash")], [...schedules, []]);
    expect(all.map(values)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    expect(all.map(({ trace }) => results(trace, "a"))).toEqual([
      ...schedules.map(() => [{ crashed: true }]),
      [{ returned: "committed" }],
    ]);
    expect(all[3]!.trace.steps.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      "statement: begin",
      "statement: update t set n = 1 where id = 1",
      "statement: update t set n = 1 where id = 2",
      "crash: commit",
    ]);
  });

  test("gives up its locks: who waits for them goes on", async () => {
    const b: Act = ({ pool }) => pool.query("update t set n = n + 10 where id = 1");
    const schedule: Schedule = [
      { step: 2, to: "b" },
      { step: 3, to: "a", fault: "crash" },
    ];
    const [executed] = await run({ actors: { a: both, b } }, [fault("crash")], [schedule]);
    expect(story(executed!.trace)).toEqual([
      "a: begin",
      "a: update t set n = 1 where id = 1",
      "b: update t set n = n + 10 where id = 1 (waited for a until step 3)",
      "a: update t set n = 1 where id = 2 passed",
    ]);
    expect(values(executed!)).toEqual([10, 0]);
  });

  test("of an actor that waits for a lock with one connection takes that one, too", async () => {
    const a: Act = async ({ pool }) => {
      await yieldPoint("start");
      await Promise.all([pool.query("update t set n = 5 where id = 1"), yieldPoint("meanwhile")]);
    };
    const schedule: Schedule = [
      { step: 0, to: "b" },
      { step: 2, to: "a" },
      { step: 4, to: "a", fault: "crash" },
    ];
    const [executed] = await run({ actors: { a, b: both } }, [fault("crash")], [schedule]);
    expect(values(executed!)).toEqual([1, 1]);
    expect(results(executed!.trace, "a")).toEqual([{ crashed: true }]);
  });

  test("ends the operation, not the actor: its process is started again, and what it held comes free", async () => {
    const held: string[] = [];
    const model = modelOf({
      schema,
      rows,
      state,
      actors: {
        a: [
          async ({ pool }) => {
            held.push("taken");
            await pool.query("update t set n = n + 1 where id = 1");
            await yieldPoint("after");
            held.push("never");
          },
          ({ pool }) => pool.query("update t set n = n + 1 where id = 2"),
        ],
      },
      more: { crashed: ({ actor }) => void held.push(`${actor} died`) },
    });
    const lanes = await Lanes.open(server(), model, 1);
    const program = { ...programOf(model), faults: [fault("crash")] };
    const assignment = { model, implementation: "only", program, pool: assignedPool, record: false };
    const executed = await lanes.run((lane) => execute(lane, assignment, follow(at(1, "crash"))));
    await lanes.close();
    expect(held).toEqual(["taken", "a died"]);
    expect(values(executed)).toEqual([1, 1]);
  });

  test("leaves no backend behind, however often", async () => {
    const before = await backends(server());
    await run(
      { actors: { a: both } },
      [fault("crash")],
      Array.from({ length: 30 }, (_, i) => at(i % 4, "crash")),
    );
    expect(await backends(server())).toBe(before);
  });
});

describe("a lost answer", () => {
  test("of COMMIT: it happened, and the code under test gets what the driver makes of a broken connection", async () => {
    const [executed] = await run({ actors: { a: both } }, [fault("lost answer")], [at(3, "lost answer")]);
    expect(values(executed!)).toEqual([1, 1]);
    expect(results(executed!.trace, "a")).toEqual([{ returned: "Connection terminated unexpectedly" }]);
    expect(executed!.trace.steps[3]).toMatchObject({
      fault: "lost answer",
      outcome: { kind: "error", message: "Connection terminated unexpectedly" },
      transaction: "none",
    });
  });

  test("inside a transaction: the connection is gone, and what was open is rolled back", async () => {
    const [executed] = await run({ actors: { a: both } }, [fault("lost answer")], [at(2, "lost answer")]);
    expect(values(executed!)).toEqual([0, 0]);
  });

  test("by `pool.query`, whose connection is not given back to the pool", async () => {
    const a: Act = async ({ pool }) => {
      const lost = await pool.query("update t set n = 7 where id = 1").catch((error: Error) => error.message);
      return [lost, (await pool.query("select n from t where id = 1")).rows];
    };
    const [executed] = await run({ actors: { a } }, [fault("lost answer")], [at(0, "lost answer")]);
    expect(results(executed!.trace, "a")).toEqual([{ returned: ["Connection terminated unexpectedly", [{ n: 7 }]] }]);
  });
});

describe("an error that Postgres answers with", () => {
  test("aborts the transaction, so that only ROLLBACK helps; at COMMIT it is over", async () => {
    const kinds = ["serialization failure", "deadlock"] as const;
    const all = await run(
      { actors: { a: both } },
      kinds.map((kind) => fault(kind)),
      [at(2, "serialization failure"), at(1, "deadlock"), at(3, "serialization failure")],
    );
    expect(all.map(values)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(all.map(({ trace }) => results(trace, "a"))).toEqual(
      ["40001", "40P01", "40001"].map((returned) => [{ returned }]),
    );
    expect(all.map(({ trace }) => trace.steps.find((step) => step.fault !== undefined)!.transaction)).toEqual([
      "failed",
      "failed",
      "none",
    ]);
  });
});

describe("what may go wrong", () => {
  test("stands behind the steps, for those it can happen to, and each as often as the program says", async () => {
    const faults = [fault("crash"), fault("serialization failure"), fault("lost answer"), fault("deadlock")];
    const [executed] = await run({ actors: { a: both } }, faults, [[]]);
    expect(executed!.pending.map((choices) => choices.map((choice) => choice.fault ?? "step").join(", "))).toEqual([
      "step, crash",
      "step, crash, lost answer, serialization failure, deadlock",
      "step, crash, lost answer, serialization failure, deadlock",
      "step, crash, lost answer, serialization failure",
    ]);
    const [crashed] = await run({ actors: { a: both } }, [fault("crash")], [at(1, "crash")]);
    expect(crashed!.pending.at(-1)).toHaveLength(2);
  });

  test("gives the same steps when it is followed again", async () => {
    const b: Act = ({ pool }) => pool.query("update t set n = n + 10 where id = 1");
    const faults = [fault("crash"), fault("lost answer", "b")];
    const schedule: Schedule = [
      { step: 2, to: "b", fault: "lost answer" },
      { step: 3, to: "a", fault: "crash" },
    ];
    const all = await run({ actors: { a: both, b } }, faults, [schedule, schedule, schedule]);
    const [first, ...others] = all.map(({ trace }) => trace);
    expect(first!.steps.map(({ fault }) => fault)).toEqual([undefined, undefined, "lost answer", "crash"]);
    for (const other of others) {
      expect(firstDifference(first!, other)).toBeUndefined();
      expect(other.state).toEqual(first!.state);
    }
  });
});
