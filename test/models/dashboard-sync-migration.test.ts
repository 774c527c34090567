import { beforeAll, describe, expect, test } from "vitest";

import { expectations, type RolloutName } from "../../models/dashboard-sync-migration/expectations.js";
import model from "../../models/dashboard-sync-migration/model.js";
import { Lanes } from "../../src/execution/lanes.js";
import { execute, type Executed } from "../../src/execution/execution.js";
import { assignedPool } from "../../src/execution/pool.js";
import type { Program } from "../../src/index.js";
import { judge } from "../../src/oracle/judge.js";
import { pinned, type Leg } from "../../src/strategy/pinned.js";
import { usable } from "../../src/usable-model.js";
import { serverForFile } from "../support.js";

const server = serverForFile();
let lanes: Lanes;

beforeAll(async () => {
  lanes = await Lanes.open(server(), usable(model), 1);
  return () => lanes.close();
});

const next = { operation: "next step", parameters: {} };
const retry = { operation: "retry", parameters: { run: 1, partition: 1 } };
const fails = { operation: "deliver", parameters: { run: 1, partition: 1, outcome: "fails" } };
const viewRun = { operation: "view run", parameters: { run: 1 } };

async function play(implementation: RolloutName, program: Program, timeline: readonly Leg[] = []): Promise<Executed> {
  const assignment = { model: usable(model), implementation, program, pool: assignedPool, record: false };
  return lanes.run((lane) => execute(lane, assignment, pinned(timeline)));
}

function brokenBy(program: Program, executed: Executed): string[] {
  return judge(usable(model), program, executed).map(({ invariant, way }) => `${invariant}: ${way}`);
}

const inPhase = (phase: string, actors: Program["actors"], state = "pending"): Program => ({
  initial: { phase, desynced: false, runs: [[state]] },
  actors,
});

describe("the analysis' order", () => {
  test("has workers count in columns that are gone", async () => {
    const program = inPhase("columns dropped", [{ name: "worker A", operations: [fails] }]);
    const executed = await play("as-written", program);
    expect(brokenBy(program, executed)).toEqual(["no statement names a column that is gone: deliver fails"]);
    expect(brokenBy(program, await play("stop-counting-first", program))).toEqual([]);
  });

  test("has a retry end before its work item is sent", async () => {
    const program = inPhase("columns dropped", [{ name: "user", operations: [retry] }], "failed");
    const { trace } = await play("as-written", program);
    expect(trace.steps.some(({ text }) => text.startsWith("send work item"))).toBe(false);
    expect(trace.state["partitions"]).toMatchObject([{ failed: false, completed: false, row: null }]);
  });
});

test("stopping to count first is not enough for who is at work meanwhile", async () => {
  const program = inPhase("dual read", [
    { name: "worker A", operations: [fails] },
    { name: "operator", operations: [next, next] },
  ]);
  const timeline = [{ actor: "worker A", until: "UPDATE run_metadata" }, { actor: "operator" }, { actor: "worker A" }];
  const found = brokenBy(program, await play("stop-counting-first", program, timeline));
  expect(found).toContain("no statement names a column that is gone: deliver fails");
});

test("the safe rollout waits for who is at work", async () => {
  const program = inPhase("ready to drop", [
    { name: "worker A", operations: [fails] },
    { name: "operator", operations: [next] },
  ]);
  const executed = await play("safe-rollout", program, [{ actor: "worker A", until: "work" }, { actor: "operator" }]);
  expect(brokenBy(program, executed)).toEqual([]);
  expect(executed.trace.state["runs"]).toMatchObject([{ counter: null, flags: 1, rows: 1 }]);
});

test("it puts a step off while older code is at work", async () => {
  const program = inPhase("before", [
    { name: "worker A", operations: [fails] },
    { name: "operator", operations: [next, next] },
  ]);
  const timeline = [{ actor: "worker A", until: "work" }, { actor: "operator" }];
  const { trace } = await play("safe-rollout", program, timeline);
  const results = trace.operations.filter(({ actor }) => actor === "operator").map(({ result }) => result);
  expect(results).toEqual([
    { returned: 'from "before" to "dual read"' },
    { returned: "put off: worker A still runs the older code" },
  ]);
});

test("a naive reconciliation undoes a success that comes in between", async () => {
  const program: Program = {
    initial: { phase: "dual read", desynced: true, runs: [["failed"]] },
    actors: [
      { name: "operator", operations: [next] },
      {
        name: "worker A",
        operations: [{ ...fails, operation: "redeliver", parameters: { run: 1, partition: 1, outcome: "succeeds" } }],
      },
    ],
  };
  const timeline = [
    { actor: "operator", until: "UPDATE partition_progress" },
    { actor: "worker A" },
    { actor: "operator" },
  ];
  const found = brokenBy(program, await play("safe-order-naive-reconciliation", program, timeline));
  expect(found).toContain("what is reconciled stays so: flags and worker runs differ");
});

test.for(["before", "dual read", "ready to drop", "columns dropped", "done"])(
  "whoever goes on from %s, the safe rollout ends without the columns and with every page right",
  async (phase) => {
    const program = inPhase(phase, [
      { name: "operator", operations: [next, next, next, next] },
      { name: "dashboard", operations: [viewRun] },
    ]);
    const executed = await play("safe-rollout", program);
    expect(brokenBy(program, executed)).toEqual([]);
    expect(executed.trace.state["runs"]).toMatchObject([{ counter: null }]);
    const page = executed.trace.operations.find(({ actor }) => actor === "dashboard")!;
    expect(page.result).toMatchObject({ returned: { run: { failedWorkers: 0, completedWorkers: 0 } } });
  },
);

test("each rollout is expected to do something", () => {
  expect(Object.keys(model.implementations)).toEqual(Object.keys(expectations));
});
