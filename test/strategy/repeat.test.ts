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
