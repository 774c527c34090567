import { expect, test } from "vitest";

import { random } from "../../src/strategy/random.js";
import { sampled } from "../support.js";
import { choice } from "./choices.js";

const choices = ["a", "b", "c", "d"].map((actor) => choice(actor));

function picks(seed: string, execution: number, count: number): number[] {
  const scheduler = sampled(random(seed), execution);
  return Array.from({ length: count }, () => scheduler.choose(choices, undefined));
}

test("one seed and number give the same decisions, others give others", () => {
  expect(picks("seed", 3, 50)).toEqual(picks("seed", 3, 50));
  expect(picks("seed", 3, 50)).not.toEqual(picks("seed", 4, 50));
  expect(picks("seed", 3, 50)).not.toEqual(picks("other", 3, 50));
});

test("every pending step is as likely", () => {
  const counts = [0, 0, 0, 0];
  for (const pick of picks("uniform", 0, 8000)) counts[pick]!++;
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
});
