import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { renderCounterexampleTerminal } from "../../src/report/terminal.js";
import { counterexample } from "./arbitraries.js";
import { plain, unfit } from "./checks.js";
import { counterexamples, hostile, nasty } from "./fixtures.js";
import { stories, withNastyExplanation } from "./stories.js";

const replayCommand = "npx raceproof replay counterexample.json";

const shown = { ...counterexamples, ...stories, hostileReasons: withNastyExplanation(hostile, nasty) };

describe.each(Object.entries(shown))("%s on a terminal", (name, counterexample) => {
  test.each([80, 140])("%i columns wide", async (width) => {
    const output = renderCounterexampleTerminal(counterexample, { color: false, width, replayCommand });
    await expect(output).toMatchFileSnapshot(`golden/terminal/${name}.${width}.txt`);
  });

  test("never wider than the terminal, whatever its width", () => {
    for (const width of [...Array.from({ length: 14 }, (_, at) => 32 + at * 7), 140, 200, 250]) {
      expect(
        unfit(renderCounterexampleTerminal(counterexample, { color: false, width, replayCommand: "replay it" }), width),
      ).toEqual([]);
    }
  });

  test("is the same with colour, but for the colour", () => {
    const options = { width: 100, replayCommand };
    const colored = renderCounterexampleTerminal(counterexample, { ...options, color: true });
    expect(colored).toContain("\u001b[");
    expect(plain(colored)).toBe(renderCounterexampleTerminal(counterexample, { ...options, color: false }));
  });
});

test("colours", async () => {
  const output = renderCounterexampleTerminal(counterexamples.redelivery, { color: true, width: 80, replayCommand });
  await expect(output).toMatchFileSnapshot("golden/terminal/redelivery.80.ansi");
});

test("a narrow terminal gets everything below each other", async () => {
  const output = renderCounterexampleTerminal(counterexamples.manyActors, { color: false, width: 44, replayCommand });
  await expect(output).toMatchFileSnapshot("golden/terminal/manyActors.44.txt");
});

test("a replay that does not always reproduce is not hidden", () => {
  const shaky = { ...counterexamples.redelivery, confirmed: { reproduced: 7, times: 10 } };
  const output = renderCounterexampleTerminal(shaky, { color: false, width: 80, replayCommand });
  expect(output).toContain("replayed 7 of 10 times with the same steps");
});

test("any counterexample fits the terminal and has nothing in it that the terminal acts on", () => {
  fc.assert(
    fc.property(counterexample, fc.integer({ min: 50, max: 200 }), (counterexample, width) => {
      expect(
        unfit(renderCounterexampleTerminal(counterexample, { color: false, width, replayCommand: "replay it" }), width),
      ).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
