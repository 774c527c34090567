import { describe, expect, test } from "vitest";

import { pinned, type Leg } from "../../src/strategy/pinned.js";
import { timelineOf } from "../../src/strategy/timeline.js";
import { orderOf, playScript, type Script } from "./play.js";

const script: Script = {
  a: ["begin", "select n from t", "update t set n = 1", "update t set n = 2", "commit"],
  b: ["begin", "update t set n = 3", "commit"],
};

/** The steps in an order of actors, `!` for a crash at the step before. */
function stepsOf(order: string) {
  const taken: Record<string, number> = {};
  return [...order.matchAll(/(\w)(!?)/g)].map(([, actor = "", crashed], index) => {
    const at = (taken[actor] = (taken[actor] ?? 0) + 1) - 1;
    const step = { index, actor, session: actor, text: script[actor]![at]!, wait: null };
    return crashed === "!"
      ? { ...step, kind: "crash" as const, fault: "crash" as const }
      : { ...step, kind: "statement" as const };
  });
}

describe("an order of steps as legs", () => {
  test.each<[order: string, legs: readonly Leg[]]>([
    ["aabbbaaa", [{ actor: "a", until: "update t" }, { actor: "b" }, { actor: "a" }]],
    ["aaabbbaa", [{ actor: "a", until: "update t set n = 2" }, { actor: "b" }, { actor: "a" }]],
    [
      "babbaaaa",
      [{ actor: "b", until: "update t" }, { actor: "a", until: "select n" }, { actor: "b" }, { actor: "a" }],
    ],
    ["aaa!bbb", [{ actor: "a", until: "update t", fault: "crash" }, { actor: "b" }]],
  ])("%s", (order, legs) => {
    expect(timelineOf(stepsOf(order))).toEqual(legs);
    const again = playScript(script, pinned(legs), [{ actor: "a", fault: "crash" }]);
    expect(orderOf(again)).toBe(order);
  });

  test("the same statement twice is counted", () => {
    const twice: Script = { a: ["tick", "tick", "tick"], b: ["tick"] };
    const steps = ["a", "a", "b", "a"].map((actor, index) => ({
      index,
      actor,
      session: actor,
      kind: "statement" as const,
      text: "tick",
      wait: null,
    }));
    const legs = timelineOf(steps)!;
    expect(legs[0]).toEqual({ actor: "a", until: "tick", nth: 3 });
    expect(orderOf(playScript(twice, pinned(legs)))).toBe("aaba");
  });

  test("one that waits for a lock is left where it waits", () => {
    const [first, ...rest] = stepsOf("abbbaaaa");
    const legs = timelineOf([{ ...first!, wait: { until: 3 } }, ...rest]);
    expect(legs).toEqual([{ actor: "a" }, { actor: "b" }, { actor: "a" }]);
  });

  test("several connections of one actor cannot be told apart", () => {
    expect(timelineOf(stepsOf("ab").map((step) => ({ ...step, session: `${step.actor}#2` })))).toBeUndefined();
  });
});
