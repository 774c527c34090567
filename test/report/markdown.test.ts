import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { code, fenced, inline } from "../../src/report/markdown-text.js";
import { mermaidOf } from "../../src/report/mermaid.js";
import { renderCounterexampleMarkdown } from "../../src/report/markdown.js";
import { counterexample } from "./arbitraries.js";
import { bordersOf, foreignTags } from "./checks.js";
import { counterexamples } from "./fixtures.js";
import { long, stories } from "./stories.js";

const replayCommand = "npx raceproof replay counterexample.json";

test.each(Object.entries({ ...counterexamples, ...stories }))("%s as Markdown", async (name, counterexample) => {
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

test("a long story keeps to its beginning and its end, and has no diagram", () => {
  const output = renderCounterexampleMarkdown(long(500), { replayCommand });
  expect(output).toContain("| … | 381 rows more, in the file |");
  expect(output).not.toContain("```mermaid");
  expect(Buffer.byteLength(output)).toBeLessThan(30_000);
});

test("in a diagram every line is one that Mermaid knows, whatever the text", () => {
  const known = /^ {2}(?:participant (?:a\d+|db) as [^;]|(?:a\d+->>db|db-->>a\d+|Note over a\d+): ).*$/u;
  fc.assert(
    fc.property(counterexample, (counterexample) => {
      const [head, ...lines] = mermaidOf(counterexample) ?? ["sequenceDiagram"];
      expect(head).toBe("sequenceDiagram");
      for (const line of lines) {
        expect(line).toMatch(known);
        expect(line.replace(/#\d+;|->>|-->>/gu, "")).not.toMatch(/[#;<>&"`%{}\\\n]/u);
      }
    }),
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
    expect(fenced(["echo ```` x"], "sh")).toEqual(["`````sh", "echo ```` x", "`````"]);
  });
});
