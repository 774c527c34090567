import { loadModule } from "libpg-query";
import { beforeAll, describe, expect, test } from "vitest";

import { Footprints } from "../../src/footprint/footprints.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { Divergence } from "../../src/strategy/follow.js";
import type { About, Observed, Scheduler } from "../../src/strategy/strategy.js";
import { catalog } from "./catalog.js";
import { orderOf, ordersOf, playScript, type Script, type ScriptedFault } from "./play.js";

beforeAll(() => loadModule());

const blind: About = { footprints: undefined };
const seeing: About = { footprints: () => new Footprints(catalog, "read committed") };
const steps = (count: number) => Array<string>(count).fill("x");
const row = (id: number) => `update t set n = n + 1 where id = ${id}`;

function all(script: Script, about = blind, faults: readonly ScriptedFault[] = []): string[] {
  const search = exhaustive.search("p", about);
  const orders = ordersOf(search, script, 10_000, faults);
  expect(search.exhausted).toBe(true);
  expect(search.estimate).toBe(orders.length);
  return orders;
}

/** How often an order leaves somebody who has something left to do. */
function leaves(order: string): number {
  const actors = Array.from(order);
  return actors.filter((actor, i) => i > 0 && actors[i - 1] !== actor && actors.includes(actors[i - 1]!, i)).length;
}

describe("where everything conflicts", () => {
  test("every order is run, and none twice", () => {
    for (const [script, count] of [
      [{ a: steps(2), b: steps(2) }, 6],
      [{ a: steps(4), b: steps(4) }, 70],
      [{ a: steps(4), b: steps(3), c: steps(2) }, 1_260],
    ] as const) {
      const orders = all(script);
      expect([orders.length, new Set(orders).size]).toEqual([count, count]);
    }
  });

  test("those with few preemptions come first, but for what is found to be needed only behind others", () => {
    const preemptions = all({ a: steps(3), b: steps(3), c: steps(2) }).map(leaves);
    expect(preemptions[0]).toBe(0);
    // Some of them are known only once an execution with one more has been run.
    for (const [i, count] of preemptions.entries())
      expect(count).toBeGreaterThanOrEqual(Math.max(...preemptions.slice(0, i + 1)) - 1);
  });

  test("a program that takes no step has one order", () => {
    expect(all({ a: [] })).toEqual([""]);
  });
});

describe("where it is known what conflicts", () => {
  test("one order stands for all that differ by what commutes", () => {
    expect(all({ a: [row(1), row(1)], b: [row(2), row(2)], c: [row(3), row(3)] }, seeing)).toHaveLength(1);
    expect(all({ a: [row(1), row(2)], b: [row(3), row(2)] }, seeing)).toHaveLength(2);
    // Of two and two steps on one row, all six orders differ.
    expect(all({ a: [row(1), row(1)], b: [row(1), row(1)], c: [row(2)] }, seeing)).toHaveLength(6);
  });

  test("races that follow from races are found", () => {
    // a and c meet nowhere but through b.
    const orders = all({ a: [row(1)], b: [row(1), row(2)], c: [row(2)] }, seeing);
    expect(orders).toHaveLength(4);
  });
});

describe("faults", () => {
  const faults: ScriptedFault[] = [{ actor: "a", fault: "crash" }];

  test("happen at every step of their actor, and not at all", () => {
    expect(all({ a: steps(3) }, blind, faults).toSorted()).toEqual(
      ["a!", "aa!", "aaa", "aaa!"].map((order) => order.slice(0, order.endsWith("!") ? undefined : 3)).toSorted(),
    );
  });

  test("and each with every order of the rest", () => {
    const orders = all({ a: steps(2), b: steps(1) }, blind, faults);
    expect(orders.toSorted()).toEqual(["a!b", "aa!b", "aab", "aba!", "aba", "ba!", "baa!", "baa"].toSorted());
  });

  test("come behind what needs none", () => {
    const orders = all({ a: steps(2), b: steps(2) }, blind, faults);
    const cost = orders.map((order) => leaves(order.replace("!", "")) + Number(order.includes("!")));
    expect(cost[0]).toBe(0);
    expect(orders.findIndex((order) => order.includes("!"))).toBeGreaterThan(0);
  });
});

describe("what is told on the way", () => {
  test("the estimate is never less than what is known, and right in the end", () => {
    const search = exhaustive.search("p", blind);
    const estimates: number[] = [];
    const script = { a: steps(4), b: steps(4) };
    for (let scheduler = search.next(); scheduler !== undefined; scheduler = search.next()) {
      search.learn(playScript(script, scheduler));
      estimates.push(search.estimate!);
    }
    expect(estimates.every((estimate, i) => estimate >= i + 1)).toBe(true);
    expect(estimates.at(-1)).toBe(70);
    // Within a factor of four from a fifth of the way on.
    expect(Math.max(...estimates.slice(14))).toBeLessThan(280);
  });

  test("with many under way it is the same orders", () => {
    const script = { a: steps(3), b: steps(2), c: steps(2) };
    const search = exhaustive.search("p", blind);
    const found: string[] = [];
    const underway: Scheduler[] = [];
    for (;;) {
      while (underway.length < 8) {
        const next = search.next();
        if (next === undefined) break;
        underway.push(next);
      }
      const first = underway.shift();
      if (first === undefined) break;
      const observed = playScript(script, first);
      found.push(orderOf(observed));
      search.learn(observed);
    }
    expect(new Set(found).size).toBe(210);
  });

  test("an execution that was not finished leaves it incomplete", () => {
    const search = exhaustive.search("p", blind);
    search.next();
    search.learn(undefined);
    expect([search.next(), search.exhausted]).toEqual([undefined, false]);
  });

  test("code that does something else behind the same steps is found out", () => {
    const search = exhaustive.search("p", blind);
    const learn = (script: Script): Observed => {
      const observed = playScript(script, search.next()!);
      search.learn(observed);
      return observed;
    };
    learn({ a: ["x", "y"], b: ["x"] });
    expect(() => learn({ a: ["x", "z"], b: ["x"] })).toThrow(Divergence);
  });
});
