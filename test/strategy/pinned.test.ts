import { describe, expect, test } from "vitest";

import { MissedPin, pinned, type Leg } from "../../src/strategy/pinned.js";
import type { Choice } from "../../src/strategy/strategy.js";
import { choice } from "./choices.js";

const scripts: Record<string, readonly Choice[]> = {
  a: ["begin", "select\n  *  from t", "update t", "commit"].map((text) => choice("a", "a", text)),
  b: [choice("b", "b", "receive", "yield"), choice("b", "b", "delete from t"), choice("b", "b", "receive", "yield")],
};

/** The steps that a timeline makes of the scripts. */
function play(legs: readonly Leg[]): string[] {
  const scheduler = pinned(legs);
  const left = new Map(Object.entries(scripts).map(([actor, steps]) => [actor, [...steps]]));
  const taken: string[] = [];
  let last: Choice | undefined;
  for (;;) {
    const choices = [...left.values()].flatMap((steps) => steps.slice(0, 1));
    if (choices.length === 0) break;
    last = choices[scheduler.choose(choices, last)]!;
    left.get(last.actor)!.shift();
    taken.push(`${last.actor} ${last.text.split(/\s/)[0]}`);
  }
  const missed = scheduler.missed();
  if (missed !== undefined) throw missed;
  return taken;
}

describe("a pinned timeline", () => {
  test("runs each leg to before the statement or yield point that it names, then all to the end", () => {
    expect(
      play([
        { actor: "a", until: "select * from" },
        { actor: "b", until: "delete" },
        { actor: "a", until: "commit" },
        { actor: "b" },
      ]),
    ).toEqual(["a begin", "b receive", "a select", "a update", "b delete", "b receive", "a commit"]);
  });

  test("a leg whose place is reached already takes no step", () => {
    expect(play([{ actor: "b", until: "receive" }, { actor: "a" }])[0]).toBe("a begin");
  });

  test.each<[why: string, legs: readonly Leg[], message: RegExp]>([
    [
      "the actor ends before it",
      [{ actor: "a", until: "rollback" }],
      /^"a" never came to "rollback"; the step before was: commit$/,
    ],
    [
      "the actor is over when it begins",
      [{ actor: "a" }, { actor: "b", until: "delete" }, { actor: "a", until: "update" }],
      /^"a" never came to "update"/,
    ],
    ["it is the last leg", [{ actor: "b" }, { actor: "a", until: "rollback" }], /^"a" never came to "rollback"$/],
    ["there is no such actor", [{ actor: "c", until: "x" }], /^"c" never came to "x"$/],
    ["a yield point's label is another's beginning", [{ actor: "b", until: "receiv" }], /^"b" never came to "receiv"/],
  ])("is missed when %s", (_why, legs, message) => {
    expect(() => play(legs)).toThrow(MissedPin);
    expect(() => play(legs)).toThrow(message);
  });
});
