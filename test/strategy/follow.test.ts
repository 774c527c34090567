import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { Divergence, follow, followOrder } from "../../src/strategy/follow.js";
import { defaultChoice, type Switch } from "../../src/strategy/schedule.js";
import type { Choice, Scheduler } from "../../src/strategy/strategy.js";
import { choice } from "./choices.js";

describe("without a switch", () => {
  test("the same session goes on, else the actor's other ones, else the first actor in the program's order", () => {
    const [a, a2, b] = [choice("a"), choice("a", "a#2"), choice("b")];
    expect(defaultChoice([a, b], undefined)).toBe(0);
    expect(defaultChoice([a, a2, b], a2)).toBe(1);
    expect(defaultChoice([b, a], choice("a", "a#3"))).toBe(1);
    expect(defaultChoice([a, a2], b)).toBe(0);
  });
});

describe("follow", () => {
  test("switches where the schedule says so, and nowhere else", () => {
    const scheduler = follow([
      { step: 1, to: "b" },
      { step: 3, to: "a" },
    ]);
    expect(run(scheduler, { a: 3, b: 3 })).toEqual(["a", "b", "b", "a", "a", "b"]);
  });

  test("diverges where the session to switch to has nothing to do", () => {
    const scheduler = follow([{ step: 1, to: "c" }]);
    const error = caught(() => run(scheduler, { a: 2, b: 1 }));
    expect(error).toBeInstanceOf(Divergence);
    expect(error).toMatchObject({
      step: 1,
      message: 'the schedule switches to "c", which has no pending step; pending: a, b',
    });
  });

  test("any order of steps is what following its own switches gives", () => {
    const counts = fc.record({ a: fc.nat(4), b: fc.nat(4), c: fc.nat(4) });
    fc.assert(
      fc.property(counts, fc.infiniteStream(fc.nat()), (counts, picks) => {
        const switches: Switch[] = [];
        let step = -1;
        const recorder: Scheduler = {
          choose(choices, last) {
            step++;
            const chosen = picks.next().value! % choices.length;
            if (chosen !== defaultChoice(choices, last)) switches.push({ step, to: choices[chosen]!.session });
            return chosen;
          },
        };
        const order = run(recorder, counts);
        expect(run(follow(switches), counts)).toEqual(order);
        expect(run(followOrder(order), counts)).toEqual(order);
      }),
    );
  });
});

test("followOrder skips those who have nothing to do, and then runs everybody to the end", () => {
  expect(run(followOrder(["b", "nobody", "b", "b", "a"]), { a: 2, b: 2, c: 1 })).toEqual(["b", "b", "a", "a", "c"]);
});

/** Who takes the steps, of actors with so many each. */
function run(scheduler: Scheduler, counts: Readonly<Record<string, number>>): string[] {
  const left = new Map(Object.entries(counts));
  const order: string[] = [];
  let last: Choice | undefined;
  for (;;) {
    const choices = [...left].filter(([, count]) => count > 0).map(([actor]) => choice(actor));
    if (choices.length === 0) return order;
    last = choices[scheduler.choose(choices, last)]!;
    left.set(last.actor, left.get(last.actor)! - 1);
    order.push(last.session);
  }
}

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
