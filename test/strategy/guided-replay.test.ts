import { expect, test } from "vitest";

import { guidedBy } from "../../src/strategy/guided-replay.js";
import type { Step } from "../../src/execution/trace.js";
import { orderOf, playScript, type Script } from "./play.js";

/** `a: text` */
function recorded(...steps: string[]) {
  return steps.map((step): Pick<Step, "actor" | "kind" | "text" | "fault"> => {
    const [actor, text] = step.split(": ") as [string, string];
    return text.endsWith("!")
      ? { actor, kind: "crash", text: text.slice(0, -1), fault: "crash" }
      : { actor, kind: "statement", text };
  });
}

const record = recorded("a: begin", "a: select n", "b: begin", "b: update n", "b: commit", "a: update n", "a: commit");

function guided(script: Script, steps = record) {
  const { scheduler, guided } = guidedBy(steps);
  const order = orderOf(playScript(script, scheduler, [{ actor: "a", fault: "crash" }]));
  return { order, ...guided() };
}

const a = ["begin", "select n", "update n", "commit"];
const b = ["begin", "update n", "commit"];

test("code that has not changed", () => {
  expect(guided({ a, b })).toEqual({ order: "aabbbaa", legs: 3, followed: 3, added: [], gone: [] });
});

test("a new statement is taken along, wherever it stands", () => {
  expect(guided({ a: ["begin", "select x", "select n", "update n", "commit"], b })).toMatchObject({
    order: "aaabbbaa",
    followed: 3,
    added: ["select x"],
  });
  // At the end of a leg it belongs to the next one.
  expect(guided({ a: ["begin", "select n", "insert y", "update n", "commit"], b })).toMatchObject({
    order: "aabbbaaa",
    followed: 3,
    added: ["insert y"],
  });
});

test("one that is gone is left out", () => {
  expect(guided({ a: ["begin", "update n", "commit"], b })).toMatchObject({
    order: "abbbaa",
    gone: ["select n"],
    added: [],
  });
});

test("two that have changed places are both taken before the switch", () => {
  expect(guided({ a: ["select n", "begin", "update n", "commit"], b })).toMatchObject({
    order: "aabbbaa",
    followed: 3,
    added: [],
    gone: [],
  });
});

test("a changed one is recognised by its words", () => {
  const steps = record.map((step) =>
    step.text === "select n" ? { ...step, text: "select n from t where id = $1" } : step,
  );
  expect(
    guided({ a: ["begin", "select n from t where id = $1 for update", "update n", "commit"], b }, steps),
  ).toMatchObject({
    order: "aabbbaa",
    added: [],
    gone: [],
  });
});

test("what went wrong goes wrong again, at its statement", () => {
  const crash = recorded("a: begin", "a: update n!", "b: begin", "b: update n", "b: commit");
  expect(guided({ a: ["select x", ...a], b }, crash).order).toBe("aaaa!bbb");
});
