import { expect, test } from "vitest";

import { firstDifference } from "../../src/execution/compare.js";
import type { Step, Trace } from "../../src/execution/trace.js";

const step = (change: Partial<Step> = {}): Step => ({
  index: 0,
  actor: "a",
  session: "a",
  operation: 0,
  kind: "statement",
  text: "select 1",
  values: [],
  outcome: { kind: "rows", command: "SELECT", rowCount: 1 },
  wait: null,
  transaction: "none",
  ...change,
});
const trace = (...steps: Step[]): Trace => ({ steps, operations: [], schedule: [], state: {} });
const wait = { holders: ["b"], lock: "ShareLock on transaction 1", on: null, until: 2 };

test.each<[what: string, Partial<Step>, Partial<Step>]>([
  ["who takes it", {}, { session: "a#2" }],
  ["the statement", {}, { text: "select 2" }],
  ["the parameters", { values: [1] }, { values: ["1"] }],
  ["the parameters", { values: ["x"] }, { values: ["8ff2b2f0-5b0a-4b2a-9d3c-0f0e0d0c0b0a"] }],
  ["what comes back", {}, { outcome: { kind: "rows", command: "SELECT", rowCount: 2 } }],
  ["what comes back", {}, { outcome: { kind: "error", code: "40001", message: "" } }],
  ["the wait", {}, { wait }],
  ["the wait", { wait }, { wait: { ...wait, until: null } }],
  ["the wait", { wait }, { wait: { ...wait, holders: ["c"] } }],
])("%s differs", (what, recorded, now) => {
  const same = step();
  expect(firstDifference(trace(same, step(recorded)), trace(same, step(now)))).toMatchObject({ step: 1, what });
});

test("what may differ from run to run does not", () => {
  const before = step({ text: "select  1\n", values: [1, "2020-01-01T00:00:00.000Z"], wait });
  const after = step({
    text: "select 1",
    values: [2, "2021-01-01T00:00:00.000Z"],
    wait: { ...wait, lock: "ShareLock on transaction 2" },
  });
  expect(firstDifference(trace(before), trace(after))).toBeUndefined();
  const errors = ["one", "two"].map((message) => step({ outcome: { kind: "error", code: "23505", message } }));
  expect(firstDifference(trace(errors[0]!), trace(errors[1]!))).toBeUndefined();
});

test("a step too few or too many", () => {
  expect(firstDifference(trace(step()), trace())).toEqual({
    step: 0,
    what: "the number of steps",
    recorded: "a: select 1",
    now: "no further step",
  });
});
