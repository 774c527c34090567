import { describe, expect, test } from "vitest";

import { textOf } from "../../src/report/lines.js";
import { timelineOf } from "../../src/report/timeline.js";
import { counterexampleOf, deadlock, failure, lockWait, redelivery, rows, waited, yieldPoints } from "./fixtures.js";
import type { StepSketch } from "./fixtures.js";

const update: StepSketch = { actor: "a", text: "UPDATE t", outcome: rows("UPDATE", 1) };

function rowsOf(steps: readonly StepSketch[]): string[] {
  const actors = ["a", "b", "c"].map((name) => ({ name, operations: [{ operation: "run", parameters: null }] }));
  const timeline = timelineOf(counterexampleOf({ actors, steps, before: { n: "0" }, violations: [] }));
  return timeline.rows.map(
    ({ kind, number, state }) => `${kind} ${number}${state?.some(({ changed }) => changed) ? " changed" : ""}`,
  );
}

function waiting(actor: string, until: number | null, rest: Partial<StepSketch> = {}): StepSketch {
  return { ...update, actor, wait: waited({ holders: ["a"], until }), ...rest };
}

describe("where the end of a wait stands", () => {
  test("right after the step that released it", () => {
    expect(rowsOf([update, waiting("b", 3), update, update, update])).toEqual([
      "before 0",
      "step 1",
      "step 2",
      "step 3",
      "step 4",
      "completed 2",
      "step 5",
    ]);
  });

  test("in the order in which they had begun to wait, but a victim first", () => {
    expect(rowsOf([update, waiting("b", 3), waiting("c", 3), update])).toEqual([
      "before 0",
      "step 1",
      "step 2",
      "step 3",
      "step 4",
      "completed 2",
      "completed 3",
    ]);
    expect(
      rowsOf([update, waiting("b", 2), waiting("c", 2, { outcome: failure("40P01", "deadlock detected") })]),
    ).toEqual(["before 0", "step 1", "step 2", "step 3", "completed 3", "completed 2"]);
  });

  test("before its session goes on, or at the end, when it ended by itself", () => {
    expect(rowsOf([waiting("b", null), update, { ...update, actor: "b" }, update])).toEqual([
      "before 0",
      "step 1",
      "step 2",
      "completed 1",
      "step 3",
      "step 4",
    ]);
    expect(rowsOf([waiting("b", null), update])).toEqual(["before 0", "step 1", "step 2", "completed 1"]);
  });

  test("never outside of the trace, even if a file says so", () => {
    expect(rowsOf([update, waiting("b", 0), waiting("c", 99)])).toEqual([
      "before 0",
      "step 1",
      "step 2",
      "completed 2",
      "step 3",
      "completed 3",
    ]);
  });

  test("what is seen after the release stands beside the last one that could show", () => {
    const seen = { display: { n: "1" } };
    expect(rowsOf([update, waiting("b", 2), { ...update, ...seen }])).toEqual([
      "before 0",
      "step 1",
      "step 2",
      "step 3",
      "completed 2 changed",
    ]);
    expect(rowsOf([update, waiting("b", 2, { transaction: "open" }), { ...update, ...seen }])).toEqual([
      "before 0",
      "step 1",
      "step 2",
      "step 3 changed",
      "completed 2",
    ]);
  });
});

test("the state is shown in full where any of it changed, at the beginning and at the end", () => {
  const shown = timelineOf(redelivery).rows.map(
    ({ state }) => state?.map(({ lines, changed }) => (changed ? "*" : "") + lines.join("/")).join(" ") ?? "",
  );
  expect(shown).toEqual([
    "1 p1 p1 failed",
    "",
    "1 p1 *none",
    "1 *none none",
    "*0 none none",
    "",
    "0 *p1 none",
    "*1 p1 none",
  ]);
});

test("a state of several lines, and one of none", () => {
  const { rows: all } = timelineOf(
    counterexampleOf({ actors: [], steps: [], before: { a: "x\n\ny", b: "" }, violations: [] }),
  );
  expect(all[0]?.state?.map(({ lines }) => lines)).toEqual([["x", "y"], ["-"]]);
});

test("switches are marked as often as the size says", () => {
  for (const counterexample of [redelivery, lockWait, deadlock]) {
    const switched = timelineOf(counterexample).rows.filter((row) => row.switched);
    expect(switched).toHaveLength(counterexample.shrink.to.switches);
  }
});

test("brackets go around transactions, other actors' steps within them included", () => {
  expect(
    timelineOf(lockWait).rows.map(({ brackets }) => brackets.map((bracket) => bracket.charAt(0)).join("")),
  ).toEqual(["nn", "on", "io", "ii", "ii", "ic", "in", "cn"]);
});

test("an operation without a step is told of with the next one of its actor", () => {
  const [first] = timelineOf(yieldPoints).rows;
  expect(first?.lines.map((line) => textOf([line]))).toEqual([
    "▸ idle()",
    "◂ without a step",
    "▸ take(queue emails)",
    "SELECT id FROM jobs WHERE state = 'ready' ORDER BY id LIMIT 1",
    "→ 1 row: id=1",
  ]);
});
