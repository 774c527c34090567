import { expect, test } from "vitest";

import { followOrder } from "../../src/strategy/follow.js";
import { metered, sumOfMetrics } from "../../src/strategy/metrics.js";
import type { Scheduler } from "../../src/strategy/strategy.js";
import { choice } from "./choices.js";
import { orderOf, playScript } from "./play.js";

const script = { a: ["one", "two", "three"], b: ["four", "five"] };
const metricsOf = (order: string) => {
  const scheduler = metered(followOrder(order.split("")));
  expect(orderOf(playScript(script, scheduler))).toBe(order);
  return scheduler.metrics;
};

test("one after the other: a switch, at which nobody could have gone on", () => {
  expect(metricsOf("aaabb")).toEqual({ steps: 5, decisions: 3, contextSwitches: 1, preemptions: 0, lockWaits: 0 });
});

test("in turns: three of the four switches leave somebody who could have gone on", () => {
  expect(metricsOf("ababa")).toEqual({ steps: 5, decisions: 4, contextSwitches: 4, preemptions: 3, lockWaits: 0 });
});

test("steps that waited, and those that still do", () => {
  const first: Scheduler = { choose: () => 0 };
  const scheduler = metered(first);
  const [a, b] = [choice("a", "a", "one"), choice("b", "b", "two")];
  const after = { transaction: "none", outcome: { kind: "rows" } } as const;
  scheduler.choose([a], undefined);
  scheduler.taken?.(a, { ...after, waited: true });
  scheduler.choose([b], a);
  expect(scheduler.metrics.lockWaits).toBe(2);
  scheduler.taken?.(b, { ...after, waited: false });
  expect(scheduler.metrics.lockWaits).toBe(1);
});

test("to take none before those that wait have gone on is no step", () => {
  const scheduler = metered({ choose: () => -1 });
  expect(scheduler.choose([choice("a", "a", "one")], undefined)).toBe(-1);
  expect(scheduler.metrics).toEqual(sumOfMetrics([]));
});

test("what it decorates is told what it is told", () => {
  const told: unknown[] = [];
  const scheduler = metered({ choose: (...given) => told.push(given) - 1, taken: (...given) => void told.push(given) });
  const a = choice("a", "a", "one");
  const after = { transaction: "open", outcome: { kind: "rows" }, waited: false } as const;
  scheduler.choose([a], undefined);
  scheduler.taken?.(a, after);
  expect(told).toEqual([
    [[a], undefined],
    [a, after],
  ]);
});

test("executions are added up", () => {
  expect(sumOfMetrics([metricsOf("aaabb"), metricsOf("ababa")])).toEqual({
    steps: 10,
    decisions: 7,
    contextSwitches: 5,
    preemptions: 3,
    lockWaits: 0,
  });
});
