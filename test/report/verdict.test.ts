import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { renderVerdictMarkdown } from "../../src/report/verdict-markdown.js";
import { summaryOf } from "../../src/report/verdict-summary.js";
import { renderVerdictTerminal } from "../../src/report/verdict-terminal.js";
import { text } from "./arbitraries.js";
import { bordersOf, foreignTags, plain, unfit } from "./checks.js";
import { green, mixed, verdicts } from "./verdict-fixtures.js";

describe.each(Object.entries(verdicts))("%s", (name, verdict) => {
  test.each([80, 140])("on a terminal, %i columns wide", async (width) => {
    await expect(renderVerdictTerminal(verdict, { color: false, width })).toMatchFileSnapshot(
      `golden/verdict/${name}.${width}.txt`,
    );
  });

  test("never wider than the terminal, but for the files, which are there to be copied", () => {
    const files = summaryOf(verdict).implementations.flatMap(({ violations }) => violations.map(({ file }) => file));
    for (let width = 32; width < 200; width += 3) {
      const lines = renderVerdictTerminal(verdict, { color: false, width }).split("\n");
      const others = lines.filter((line) => !files.includes(line.trimStart()));
      expect(unfit(others.join("\n"), width)).toEqual([]);
    }
  });

  test("in colour", () => {
    const colored = renderVerdictTerminal(verdict, { color: true, width: 80 });
    expect(plain(colored)).toBe(renderVerdictTerminal(verdict, { color: false, width: 80 }));
  });

  test("as Markdown", async () => {
    const markdown = renderVerdictMarkdown(verdict);
    await expect(markdown).toMatchFileSnapshot(`golden/verdict/${name}.md`);
    expect(foreignTags(markdown)).toEqual([]);
  });
});

test("any text stays within the cells of the table", () => {
  fc.assert(
    fc.property(text, text, (first, second) => {
      const [implementation] = green.implementations;
      if (implementation === undefined) throw new Error("the fixture has an implementation");
      const verdict = {
        ...green,
        implementations: [{ ...implementation, name: first, claim: second, expected: { violates: [first, second] } }],
      };
      expect(bordersOf(renderVerdictMarkdown(verdict))).toEqual([[7, 7, 7]]);
      expect(unfit(renderVerdictTerminal(verdict, { color: false, width: 60 }), 60)).toEqual([]);
    }),
  );
});

test("what never happened is said", () => {
  expect(never({ "a × b": 1 }, 1)).toEqual([]);
  expect(never({ "a × b": 1, "a × a": 0 }, 0)).toEqual([
    "a × a never overlapped",
    "no statement ever waited for a lock",
  ]);
  expect(never({}, 1)).toEqual(["no two operations ever overlapped: this says nothing about races"]);
  expect(never({ "a × b": 0 }, 1)).toEqual(["no two operations ever overlapped: this says nothing about races"]);
  expect(never({ "a × b": 1 }, 1, 5, 0)).toEqual(["nobody was ever interrupted who could have gone on"]);
  expect(never({}, 0, 0)).toEqual(["nothing was executed: this says nothing at all"]);
});

test("the conclusion names what is not as expected, or could not be told", () => {
  expect(summaryOf(mixed).conclusion).toBe("Could not be told: fixed.");
  expect(
    summaryOf({ ...green, implementations: [...green.implementations, ...green.implementations] }).conclusion,
  ).toBe("All 2 are as expected.");
});

function never(
  overlaps: Record<string, number>,
  lockWaits: number,
  executions = 5,
  preemptions = 9,
): readonly string[] {
  const [implementation] = green.implementations;
  if (implementation === undefined) throw new Error("the fixture has an implementation");
  const changed = { ...implementation, overlaps, lockWaits, executions, preemptions };
  return summaryOf({ ...green, implementations: [changed] }).implementations[0]?.never ?? [];
}
