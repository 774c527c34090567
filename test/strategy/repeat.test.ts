import { expect, test } from "vitest";

import { Divergence } from "../../src/strategy/follow.js";
import { random } from "../../src/strategy/random.js";
import { repeat } from "../../src/strategy/repeat.js";
import { sampled } from "../support.js";
import { orderOf, playScript } from "./play.js";

const script = { a: ["one", "two", "three"], b: ["four", "five"] };
const first = playScript(script, sampled(random("repeat"), 3));

test("the same once more", () => {
  expect(orderOf(playScript(script, repeat(first)))).toBe(orderOf(first));
});

test("it says at which step something else was pending, and what", () => {
  const again = () => playScript({ ...script, b: ["four", "six"] }, repeat(first));
  expect(again).toThrow(Divergence);
  expect(again).toThrow(/^first .*b: five.* could be taken, then .*b: six/);
});

test("steps too many", () => {
  expect(() => playScript({ ...script, c: [] }, repeat({ pending: [], chosen: [] }))).toThrow(
    "first nothing more could be taken",
  );
});
