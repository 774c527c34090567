import { describe, expect, test } from "vitest";

import { Footprints } from "../../src/footprint/footprints.js";
import { pct, pctBound } from "../../src/strategy/pct.js";
import { pos } from "../../src/strategy/pos.js";
import { random } from "../../src/strategy/random.js";
import type { About, Strategy } from "../../src/strategy/strategy.js";
import { urw } from "../../src/strategy/urw.js";
import { catalog } from "./catalog.js";
import { ordersOf, type Script, type ScriptedFault } from "./play.js";

const blind: About = { footprints: undefined };
/** Steps that write the row conflict; those that read nothing do not. */
const seeing: About = { footprints: () => new Footprints(catalog, "read committed") };
const x = "update t set n = 1 where id = 1";
const own = "select 1";

/** The orders that a strategy gives in so many executions, after the one that it learns from. */
function orders(
  strategy: Strategy,
  script: Script,
  count: number,
  about = blind,
  faults: ScriptedFault[] = [],
): string[] {
  return ordersOf(strategy.search("p", about), script, count + 1, faults).slice(1);
}

function frequencies(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

describe("sampling", () => {
  test("one seed gives the same schedules, another seed or program gives others", () => {
    const script = { a: Array<string>(9).fill(x), b: Array<string>(9).fill(x) };
    for (const make of [random, urw, pos, (seed: string) => pct(seed, 3)]) {
      const [one, same, other] = ["s", "s", "t"].map((seed) => orders(make(seed), script, 5));
      expect(same).toEqual(one);
      expect(other).not.toEqual(one);
      expect(ordersOf(make("s").search("q", blind), script, 6).slice(1)).not.toEqual(one);
    }
  });

  test("the others wait for what the first execution teaches", () => {
    const search = urw("s").search("p", blind);
    expect(search.next()).toBeDefined();
    expect(search.next()).toBeUndefined();
    search.learn(undefined);
    expect(search.next()).toBeDefined();
    expect([search.exhausted, search.estimate]).toEqual([false, undefined]);
  });

  test("random is uniform over steps", () => {
    const counts = frequencies(orders(random("s"), { a: [x], b: [x], c: [x] }, 3000));
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 500)).toBeLessThan(100);
  });

  test("urw is uniform over interleavings, however unequal the actors are", () => {
    const script = { a: [x], b: [x, x, x, x] };
    const counts = frequencies(orders(urw("s"), script, 3000));
    expect(counts.size).toBe(5);
    for (const count of counts.values()) expect(Math.abs(count - 600)).toBeLessThan(100);
    // Uniform over steps, a's step would be the last in one of 16.
    expect(frequencies(orders(random("s"), script, 3000)).get("bbbba")).toBeLessThan(300);
  });

  test("where it is known what conflicts, urw is uniform over the orders of that alone", () => {
    const script = { a: [x], b: [...Array<string>(7).fill(own), x] };
    const isLast = (order: string) => order.endsWith("a");
    expect(Math.abs(orders(urw("s"), script, 2000, seeing).filter(isLast).length - 1000)).toBeLessThan(150);
    expect(orders(urw("s"), script, 2000).filter(isLast).length).toBeLessThan(350);
  });

  test("pos gives the orders of a race a better chance than chance does, however long the ways there are", () => {
    const script = { a: [x], b: [...Array<string>(5).fill(own), x] };
    const isLast = (order: string) => order.endsWith("a");
    const atRandom = orders(random("s"), script, 2000).filter(isLast).length;
    expect(orders(pos("s"), script, 2000, seeing).filter(isLast).length).toBeGreaterThan(2 * atRandom);
  });

  test("pct leaves an actor but for d − 1 changes only at its end", () => {
    const script = { a: [x, x, x], b: [x, x, x] };
    const switches = (order: string) => Array.from(order).filter((actor, i) => i > 0 && actor !== order[i - 1]).length;
    expect(Math.max(...orders(pct("s", 1), script, 200).map(switches))).toBe(1);
    expect(Math.max(...orders(pct("s", 3), script, 500).map(switches))).toBe(3);
  });

  test("pct finds what needs three steps in order at least as often as it promises", () => {
    const hits = orders(pct("s", 3), { a: [x, x], b: [x, x] }, 3000).filter((order) => order === "abba").length;
    expect(hits / 3000).toBeGreaterThan(pctBound(2, 4, 3, 1));
    expect(pctBound(2, 4, 3, 1)).toBe(1 / 32);
    expect(pctBound(2, 4, 3, 100)).toBeCloseTo(1 - (31 / 32) ** 100);
  });
});

describe("faults in samples", () => {
  const script = { a: Array<string>(9).fill(x), b: Array<string>(9).fill(x) };

  test("one happens at any step of its actor, or never, each as likely", () => {
    const places = orders(urw("s"), script, 2000, blind, [{ actor: "a", fault: "deadlock" }]).map((order) =>
      order.replaceAll("b", "").indexOf("!"),
    );
    const counts = frequencies(places.map(String));
    expect(counts.size).toBe(10);
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(70);
  });

  test("several are drawn each by itself", () => {
    const faults: ScriptedFault[] = [
      { actor: "a", fault: "deadlock" },
      { actor: "b", fault: "crash" },
    ];
    const both = orders(random("s"), script, 1000, blind, faults).filter((order) => order.split("!").length === 3);
    expect(both.length).toBeGreaterThan(700);
    expect(both.length).toBeLessThan(950);
  });
});
