import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";

import { execute, type Assignment } from "../../src/execution/execution.js";
import { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel } from "../../src/execution/model.js";
import type { Program } from "../../src/execution/program.js";
import { aboutPrograms, explore } from "../../src/explore/explore.js";
import { judge } from "../../src/oracle/judge.js";
import { replay } from "../../src/shrink/confirm.js";
import { investigate } from "../../src/shrink/investigate.js";
import { Memory } from "../../src/shrink/memory.js";
import { shrink } from "../../src/shrink/shrink.js";
import { sizeOf } from "../../src/shrink/size.js";
import { followOrder } from "../../src/strategy/follow.js";
import { random } from "../../src/strategy/random.js";
import { counterModel } from "../explore/counter.js";
import { serverForFile } from "../support.js";

const server = serverForFile();
const pool = new pg.Pool();

async function lanesOf(model: AnyModel): Promise<Lanes> {
  const lanes = await Lanes.open(server(), model, 3);
  onTestFinished(() => lanes.close());
  return lanes;
}

const add = (by: number) => ({ operation: "add", parameters: { by } });
const look = { operation: "look", parameters: null };

/** A lost update among things that do not matter. */
const large: Program = {
  initial: { start: 3, others: [7, 2] },
  actors: [
    { name: "a", operations: [look, add(4)] },
    { name: "b", operations: [look, look] },
    { name: "c", operations: [add(2), add(7)] },
  ],
};

async function failing(lanes: Lanes, model: AnyModel, program: Program, order: readonly string[]) {
  const assignment: Assignment = { model, implementation: "careless", program, pool, record: false };
  const executed = await lanes.run((lane) => execute(lane, assignment, followOrder(order)));
  return { assignment, program, trace: executed.trace, violations: judge(model, program, executed) };
}

async function shrinkOptions(lanes: Lanes, assignment: Assignment, onProgress?: (executions: number) => void) {
  const about = await aboutPrograms(lanes, assignment.model);
  const memory = new Memory({ lanes, assignment, about, ...(onProgress && { onProgress }) });
  return { model: assignment.model, memory, target: "nothing is lost: too low" };
}

describe("shrinking", () => {
  const order = ["a", "c", "b", "a", "c", "c", "a", "a", "c", "b", "a", "c", "c", "a", "c", "a"];

  test("leaves what it takes: two operations, the least switches, the smallest parameters and state", async () => {
    const model = counterModel();
    const lanes = await lanesOf(model);
    const { assignment, ...found } = await failing(lanes, model, large, order);
    expect(found.violations).toHaveLength(1);
    const smallest = await shrink(found, await shrinkOptions(lanes, assignment));
    expect(sizeOf(smallest.trace)).toMatchObject({ operations: 2, faults: 0, preemptions: 1, switches: 2, steps: 10 });
    expect(smallest.program.initial).toEqual({ start: 0, others: [] });
    expect(smallest.program.actors.flatMap(({ operations }) => operations)).toEqual([add(1), add(1)]);
    expect(smallest.violations).toEqual([{ invariant: "nothing is lost", way: "too low", message: "1, not 2" }]);
    expect(smallest.executions).toBeLessThan(1_000);
    // However the lanes raced.
    const twice = await shrink(found, await shrinkOptions(lanes, assignment));
    expect([twice.program, twice.trace.schedule]).toEqual([smallest.program, smallest.trace.schedule]);
  });

  test("never slides into another bug", async () => {
    const model = counterModel({
      invariants: {
        ...counterModel().invariants,
        // Broken by every program that is small enough.
        "three operations": (_state: unknown, { world }: { world: { added: number } }) =>
          world.added < 3 ? "too few" : undefined,
      },
    });
    const lanes = await lanesOf(model);
    const { assignment, ...found } = await failing(lanes, model, large, order);
    const smallest = await shrink(found, await shrinkOptions(lanes, assignment));
    expect(smallest.violations.map(({ invariant }) => invariant)).toEqual(["nothing is lost"]);
    expect(
      smallest.program.actors
        .flatMap(({ operations }) => operations)
        .reduce((sum, call) => sum + (call.parameters as { by: number }).by, 0),
    ).toBe(3);
  });

  test("stops when it is told to, with what it has by then", async () => {
    const model = counterModel();
    const lanes = await lanesOf(model);
    const { assignment, ...found } = await failing(lanes, model, large, order);
    const options = await shrinkOptions(lanes, assignment);
    expect(await shrink(found, { ...options, signal: AbortSignal.abort() })).toMatchObject({
      program: large,
      executions: 0,
    });
    const controller = new AbortController();
    const stopping = await shrinkOptions(lanes, assignment, (n) => void (n === 30 && controller.abort()));
    const { executions } = await shrink(found, { ...stopping, signal: controller.signal });
    expect(executions).toBeLessThan(60);
  });
});

describe("a replay", () => {
  const two: Program = {
    initial: { start: 0, others: [] },
    actors: [
      { name: "a", operations: [add(1)] },
      { name: "b", operations: [add(1)] },
    ],
  };
  const order = ["a", "a", "b", "b", "b", "b", "b"];

  test("reproduces, or says what has changed or diverged", async () => {
    const model = counterModel();
    const lanes = await lanesOf(model);
    const { assignment, trace, violations } = await failing(lanes, model, two, order);
    const recording = { schedule: trace.schedule, trace, violations };
    expect(await replay(lanes, assignment, recording)).toMatchObject({ kind: "reproduced", violations });

    const forgiving = { ...model, invariants: {} };
    expect(await replay(lanes, { ...assignment, model: forgiving }, recording)).toMatchObject({
      kind: "fixed",
      violations: [],
    });
    const strict = { ...model, invariants: { "nothing at all": () => "never" } };
    expect(await replay(lanes, { ...assignment, model: strict }, recording)).toMatchObject({ kind: "changed" });

    expect(await replay(lanes, { ...assignment, implementation: "careful" }, recording)).toMatchObject({
      kind: "diverged",
      difference: { step: 1, what: "the statement", now: "select n from counter where id = 0 for update" },
    });

    const alone = { ...two, actors: [two.actors[0]!, { name: "b", operations: [] }] };
    expect(await replay(lanes, { ...assignment, program: alone }, recording)).toMatchObject({
      kind: "diverged",
      difference: { step: 2, what: "who takes it", recorded: "b", now: "a" },
    });
  });
});

test("what an exploration found becomes one confirmed counterexample for each way to break", async () => {
  const model = counterModel({
    invariants: {
      ...counterModel().invariants,
      "nobody looks": (_state: unknown, { initial }: { initial: { start: number } }) =>
        initial.start > 2 ? "high" : undefined,
    },
  });
  const lanes = await lanesOf(model);
  const seed = "investigate";
  const exploration = await explore({
    lanes,
    model,
    implementation: "careless",
    faults: false,
    strategy: random(seed),
    seed,
    budget: { executions: 150 },
  });
  const found = await investigate(exploration, {
    lanes,
    model,
    implementation: "careless",
    budget: { inAll: 1_000, least: 100 },
    replayLanes: () => lanesOf(model),
  });
  expect(found.map(({ signature }) => signature).toSorted()).toEqual([
    "nobody looks: broken",
    "nothing is lost: too low",
  ]);
  for (const { confirmed, trace, from, to, program } of found) {
    expect(confirmed).toEqual({ reproduced: 10, times: 10 });
    expect(to).toEqual(sizeOf(trace));
    expect(to.operations).toBeLessThanOrEqual(from.operations);
    expect(program.actors.every(({ operations }) => operations.length > 0)).toBe(true);
    expect(trace.steps.every(({ display }) => display !== undefined)).toBe(true);
  }
});
