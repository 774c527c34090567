import { expect, test } from "vitest";

import { Divergence } from "../../src/strategy/follow.js";
import { random } from "../../src/strategy/random.js";
import { repeatable } from "../../src/strategy/repeat.js";
import { sampled } from "../support.js";
import { orderOf, playScript } from "./play.js";

const script = { a: ["one", "two", "three"], b: ["four", "five"] };
const scheduler = repeatable(sampled(random("repeat"), 3));
const first = playScript(script, scheduler);

test("it changes nothing about the scheduler that it keeps", () => {
  expect(orderOf(first)).toBe(orderOf(playScript(script, sampled(random("repeat"), 3))));
});

test("the same once more, as often as one likes", () => {
  for (let time = 0; time < 2; time++) expect(orderOf(playScript(script, scheduler.again()))).toBe(orderOf(first));
});

test("it says at which step something else was pending, and what", () => {
  const again = () => playScript({ ...script, b: ["four", "six"] }, scheduler.again());
  expect(again).toThrow(Divergence);
  expect(again).toThrow(/^first .*b: five.* could be taken, then .*b: six/);
});

test("steps too many", () => {
  expect(() => playScript(script, repeatable(scheduler).again())).toThrow("first nothing more could be taken");
});

test("times and ids that are written into a statement are nobody's decision", () => {
  const insert = (time: string, id: string, n: number) => ({ a: [`insert into t values (${n}, '${time}', '${id}')`] });
  const before = insert("2026-11-25 21:58:29.818", "0b7f5c0e-3d55-4c5e-9f0e-2f6d0f1f6a01", 1);
  const after = insert("2026-11-25 21:58:30.137", "9c1d8a52-70e3-4f0c-8a5b-5b0a4a3c2d02", 1);
  const kept = repeatable(sampled(random("repeat"), 3));
  const recorded = playScript(before, kept);
  expect(orderOf(playScript(after, kept.again()))).toBe(orderOf(recorded));
  const other = insert("2026-11-25 21:58:30.137", "9c1d8a52-70e3-4f0c-8a5b-5b0a4a3c2d02", 2);
  expect(() => playScript(other, kept.again())).toThrow(Divergence);
});
