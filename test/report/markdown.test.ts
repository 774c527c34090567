import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { code, fenced, inline } from "../../src/report/markdown-text.js";
import { renderCounterexampleMarkdown } from "../../src/report/markdown.js";
import { counterexample } from "./arbitraries.js";
import { bordersOf, foreignTags } from "./checks.js";
import { counterexamples } from "./fixtures.js";

const replayCommand = "npx raceproof replay counterexample.json";

test.each(Object.entries(counterexamples))("%s as Markdown", async (name, counterexample) => {
  const output = renderCounterexampleMarkdown(counterexample, { replayCommand });
  await expect(output).toMatchFileSnapshot(`golden/markdown/${name}.md`);
});

test("any counterexample stays within the cells of its table", () => {
  fc.assert(
    fc.property(counterexample, (counterexample) => {
      const output = renderCounterexampleMarkdown(counterexample, { replayCommand });
      const [table = [], ...others] = bordersOf(output);
      expect(others).toEqual([]);
      expect(new Set(table).size).toBe(1);
      expect(table.length).toBeGreaterThanOrEqual(2 + counterexample.trace.steps.length);
      expect(foreignTags(output)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

describe("text in Markdown", () => {
  test.each([
    ["a|b", "a&#124;b"],
    ["<script>", "&lt;script&gt;"],
    ["&amp;", "&amp;amp;"],
    ["**x** [y](z)", "\\*\\*x\\*\\* \\[y\\](z)"],
    ["failed_workers _x_", "failed_workers \\_x\\_"],
    ["a\nb\u001b", "a␊b␛"],
    ["\\|", "&#92;&#124;"],
  ])("%j", (text, markdown) => {
    expect(inline(text)).toBe(markdown);
  });

  test.each([
    ["a < b", "`a < b`"],
    ["a|b", "<code>a&#124;b</code>"],
    ["`a` <b>", "<code>&#96;a&#96; &lt;b&gt;</code>"],
    [" ", ""],
  ])("%j as code", (text, markdown) => {
    expect(code(text)).toBe(markdown);
  });

  test("a fence is longer than any run of backticks in it", () => {
    expect(fenced("echo ```` x", "sh")).toEqual(["`````sh", "echo ```` x", "`````"]);
  });
});
