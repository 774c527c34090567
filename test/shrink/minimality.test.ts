import { describe, expect, onTestFinished, test } from "vitest";

import { execute } from "../../src/execution/execution.js";
import { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel } from "../../src/execution/model.js";
import { assignedPool } from "../../src/execution/pool.js";
import type { Actor, Json, Program } from "../../src/execution/program.js";
import type { Trace } from "../../src/execution/trace.js";
import { aboutPrograms } from "../../src/explore/explore.js";
import { judge } from "../../src/oracle/judge.js";
import { wayOf } from "../../src/oracle/violation.js";
import { Memory } from "../../src/shrink/memory.js";
import { shrink, shrinkToMinimum } from "../../src/shrink/shrink.js";
import { compareSizes, sizeOf } from "../../src/shrink/size.js";
import type { Scheduler } from "../../src/strategy/strategy.js";
import { counterModel } from "../explore/counter.js";
import { serverForFile } from "../support.js";

const server = serverForFile();
const target = "nothing is lost: too low";

/** Without transactions and yield points, so that all orders can be run. */
const short: Partial<AnyModel> = {
  operations: {
    look: counterModel().operations["look"]!,
    add: {
      ...counterModel().operations["add"]!,
      run: async ({ pool, world }, { by }) => {
        const { rows } = await pool.query("select n from counter where id = 0");
        await pool.query("update counter set n = $1 where id = 0", [rows[0].n + by]);
        world.added += by;
      },
    },
  },
};

const add = (by: number) => ({ operation: "add", parameters: { by } });
const look = { operation: "look", parameters: null };

async function stage(model: AnyModel) {
  const lanes = await Lanes.open(server(), model, 4);
  onTestFinished(() => lanes.close());
  const assignment = { model, implementation: "careless", pool: assignedPool, record: false };
  const run = (program: Program, scheduler: Scheduler) =>
    lanes.run((lane) => execute(lane, { ...assignment, program }, scheduler));
  const breaks = (program: Program, executed: Awaited<ReturnType<typeof run>>) =>
    judge(model, program, executed).some((violation) => wayOf(violation) === target);
  return { lanes, assignment, run, breaks };
}

/** Takes these choices, then the first each time; and writes down how many there were. */
function byNumbers(numbers: readonly number[]): Scheduler & { readonly counts: number[] } {
  const counts: number[] = [];
  return {
    counts,
    choose(choices) {
      counts.push(choices.length);
      return numbers[counts.length - 1] ?? 0;
    },
  };
}

type Stage = Awaited<ReturnType<typeof stage>>;

/** Every order of a program, with no thought of what commutes: depth first by the numbers of the choices. */
async function smallestByForce({ run, breaks }: Stage, program: Program): Promise<Trace | undefined> {
  let smallest: Trace | undefined;
  for (let numbers: number[] | undefined = []; numbers !== undefined;) {
    const scheduler = byNumbers(numbers);
    const executed = await run(program, scheduler);
    if (breaks(program, executed) && (!smallest || compareSizes(sizeOf(executed.trace), sizeOf(smallest)) < 0))
      smallest = executed.trace;
    const { counts } = scheduler;
    const taken: number[] = counts.map((_, i) => numbers![i] ?? 0);
    const last = counts.findLastIndex((count, i) => taken[i]! + 1 < count);
    numbers = last < 0 ? undefined : [...taken.slice(0, last), taken[last]! + 1];
  }
  return smallest;
}

/** Every program of up to two operations with these calls. */
function* programs(names: readonly string[], calls: readonly Actor["operations"][number][], initial: Json) {
  for (const one of calls) {
    for (const name of names) yield { initial, actors: [{ name, operations: [one] }] };
    for (const other of calls) {
      for (const name of names) yield { initial, actors: [{ name, operations: [one, other] }] };
      yield {
        initial,
        actors: [
          { name: names[0]!, operations: [one] },
          { name: names[1]!, operations: [other] },
        ],
      };
    }
  }
}

async function shrunk({ lanes, assignment, run }: Stage, program: Program, numbers: readonly number[]) {
  const { model } = assignment;
  const executed = await run(program, byNumbers(numbers));
  const failing = { program, trace: executed.trace, violations: judge(model, program, executed) };
  const memory = new Memory({ lanes, assignment, about: await aboutPrograms(lanes, model) });
  const options = { model, target, memory, mostOrders: 1_000 };
  return shrinkToMinimum(await shrink(failing, options), options);
}

describe("what is said to be minimal", () => {
  const large: Program = {
    initial: { start: 3, others: [1] },
    actors: [
      { name: "b", operations: [look, add(2)] },
      { name: "c", operations: [add(4), look] },
    ],
  };

  test("is as small as anything that brute force finds among all programs and all of their orders", async () => {
    const all = await stage(counterModel(short));
    const smallest = await shrunk(all, large, [0, 0, 1, 1, 1, 0, 0]);
    expect(smallest.minimality.kind).toBe("proved");
    const sizes = [];
    for (const program of programs(["a", "b", "c"], [look, add(1), add(2)], { start: 0, others: [] })) {
      const trace = await smallestByForce(all, program);
      if (trace !== undefined) sizes.push(sizeOf(trace));
    }
    expect(sizes.toSorted(compareSizes)[0]).toEqual(sizeOf(smallest.trace));
    // And it is the first of its kind: by the first actors, with the smallest values.
    expect(smallest.program).toEqual({
      initial: { start: 0, others: [] },
      actors: [
        { name: "a", operations: [add(1)] },
        { name: "b", operations: [add(1)] },
      ],
    });
    expect(smallest.trace.steps.map(({ actor }) => actor).join("")).toBe("abba");
  });

  test("is minimal in the same sense where three operations are needed", async () => {
    const base = counterModel(short);
    const all = await stage({
      ...base,
      invariants: {
        // Two updates must be lost.
        "nothing is lost": ({ counter }, { initial, world }) =>
          world.added - (counter![0]!["n"] - initial.start) >= 2 && world.added === 3
            ? { way: "too low", message: "two are missing" }
            : undefined,
      },
    });
    const three: Program = {
      initial: { start: 0, others: [] },
      actors: [
        { name: "a", operations: [add(1)] },
        { name: "b", operations: [look, add(1)] },
        { name: "c", operations: [add(1)] },
      ],
    };
    const smallest = await shrunk(all, three, [0, 1, 1, 2, 0, 0, 0]);
    const forced = await smallestByForce(all, smallest.program);
    expect(smallest.minimality.kind).toBe("proved");
    expect(sizeOf(forced!)).toEqual(sizeOf(smallest.trace));
    for (const program of programs(["a", "b"], [look, add(1)], { start: 0, others: [] })) {
      const trace = await smallestByForce(all, program);
      if (trace !== undefined) expect(compareSizes(sizeOf(smallest.trace), sizeOf(trace))).toBeLessThanOrEqual(0);
    }
  });

  test("is not said of what was cut off", async () => {
    const { lanes, assignment, run } = await stage(counterModel(short));
    const executed = await run(large, byNumbers([0, 0, 1, 1, 1, 0, 0]));
    const failing = { program: large, trace: executed.trace, violations: judge(assignment.model, large, executed) };
    const memory = new Memory({ lanes, assignment, about: await aboutPrograms(lanes, assignment.model) });
    const options = { model: assignment.model, target, memory, signal: AbortSignal.abort() };
    const cut = await shrinkToMinimum(await shrink(failing, options), options);
    expect(cut).toMatchObject({ program: large, minimality: { kind: "cut off" } });
  });
});

describe("the normal form", () => {
  test("is one for all orders that differ only by what commutes, and the least of them", async () => {
    const model = counterModel(short);
    const { lanes, assignment } = await stage(model);
    const program: Program = {
      initial: { start: 0, others: [] },
      actors: [
        { name: "a", operations: [look, add(1)] },
        { name: "b", operations: [look, add(1)] },
      ],
    };
    const memory = new Memory({ lanes, assignment, about: await aboutPrograms(lanes, model) });
    const orders = (rest: Record<string, number>): string[][] => {
      const left = Object.entries(rest).filter(([, count]) => count > 0);
      if (left.length === 0) return [[]];
      return left.flatMap(([actor, count]) =>
        orders({ ...rest, [actor]: count - 1 }).map((order) => [actor, ...order]),
      );
    };
    const classes = new Map<string, { preemptions: number; switches: number }[]>();
    for (const order of orders({ a: 3, b: 3 })) {
      const ran = await memory.along(
        program,
        order.map((to) => ({ to })),
      );
      const form = ran!.normalForm();
      if (form === undefined) continue;
      const again = await memory.along(program, form.turns);
      // It is an order of its own class, with the size that it says.
      expect(again!.normalForm()).toEqual(form);
      expect(again!.violations).toEqual(ran!.violations);
      expect(sizeOf(again!.trace)).toMatchObject({ preemptions: form.preemptions, switches: form.switches });
      const key = JSON.stringify(form);
      classes.set(key, [...(classes.get(key) ?? []), sizeOf(ran!.trace)]);
    }
    expect(classes.size).toBeGreaterThan(1);
    for (const [key, members] of classes) {
      const { preemptions, switches } = JSON.parse(key) as { preemptions: number; switches: number };
      const least = members.toSorted((a, b) => a.preemptions - b.preemptions || a.switches - b.switches)[0]!;
      expect({ preemptions, switches }).toEqual({ preemptions: least.preemptions, switches: least.switches });
    }
  });
});
