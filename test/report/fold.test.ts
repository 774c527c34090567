import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { folded } from "../../src/report/fold.js";
import { renderCounterexampleMarkdown } from "../../src/report/markdown.js";
import { renderCounterexampleTerminal } from "../../src/report/terminal.js";
import { timelineOf } from "../../src/report/timeline.js";
import { counterexample } from "./arbitraries.js";
import { counterexamples } from "./fixtures.js";
import { polling, stories } from "./stories.js";

function textsOf(story: Parameters<typeof timelineOf>[0]): string[] {
  return timelineOf(story).folds.map(({ text }) => text);
}

describe("what is folded", () => {
  test("what changes nothing and no order hangs on, and the rounds of a loop", () => {
    // The first step begins the operation, the fifth is a COMMIT, the last poll is the one that turned out stale.
    expect(textsOf(polling)).toEqual(["steps 2 to 4 change nothing", "steps 8 to 13: the 2 steps above, 3 times more"]);
  });

  test("without an explanation nobody knows which reads matter", () => {
    const { explanation: _, ...unexplained } = polling;
    expect(textsOf(unexplained)).toEqual(["steps 8 to 13: the 2 steps above, 3 times more"]);
  });

  test("a read on whose order something hangs stays", () => {
    const explanation = { ...polling.explanation!, edges: [{ from: 2, to: 14, reason: "x" }] };
    expect(textsOf({ ...polling, explanation })[0]).not.toBe("steps 2 to 4 change nothing");
  });

  test("nothing of a story that is short already", () => {
    const { polling: _, ...others } = { ...counterexamples, ...stories };
    for (const story of Object.values(others)) expect(textsOf(story)).toEqual([]);
  });

  test("never a switch, a wait, a change of the state, an operation's ends, an error", () => {
    fc.assert(
      fc.property(counterexample, (counterexample) => {
        const timeline = timelineOf(counterexample);
        const { rows } = folded(timeline);
        const tells = (row: (typeof rows)[number]) =>
          row.switched || row.state !== null || row.lines.some(({ kind }) => !/^(?:step|outcome)$/u.test(kind));
        expect(rows.filter(tells)).toEqual(timeline.rows.filter(tells));
      }),
    );
  });
});

describe("all steps, where they are asked for", () => {
  const replayCommand = "npx raceproof replay x.json";

  test("on a terminal", () => {
    const look = { color: false, width: 100, replayCommand };
    expect(renderCounterexampleTerminal(polling, look)).toContain("⋯  steps 2 to 4 change nothing");
    const all = renderCounterexampleTerminal(polling, { ...look, allSteps: true });
    expect(all).not.toContain("⋯");
    expect(all.match(/◇ sleep/gu)).toHaveLength(4);
  });

  test("in Markdown", () => {
    expect(renderCounterexampleMarkdown(polling, { replayCommand })).toContain("| ⋯ | steps 2 to 4 change nothing |");
    const all = renderCounterexampleMarkdown(polling, { replayCommand, allSteps: true });
    expect(all.match(/◇ sleep<br>|◇ sleep \|/gu)).toHaveLength(4);
  });
});
