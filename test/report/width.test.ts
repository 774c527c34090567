import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { visible } from "../../src/report/text.js";
import { cutToWidth, displayWidth, pad, wrap, wrapText } from "../../src/report/width.js";
import { text } from "./arbitraries.js";

describe("display width", () => {
  test.each([
    ["", 0],
    ["plain", 5],
    ["é", 1],
    ["e\u0301", 1],
    ["表示", 4],
    ["ｆｕｌｌ", 8],
    ["ﾊﾝ", 2],
    ["한글", 4],
    ["\u1112\u1161\u11ab", 2],
    ["👍", 2],
    ["👍🏽", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["❤", 1],
    ["1️⃣", 2],
    ["→…│┌─⇄▸◇‹›✓✗", 12],
    ["𠮷", 2],
    ["\u200d", 0],
  ])("%j takes %i", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});

test("padding counts columns", () => {
  expect(pad("表", 4)).toBe("表  ");
  expect(pad("toolong", 4)).toBe("toolong");
});

test("cutting to a width says that something is missing", () => {
  expect(cutToWidth("abc", 3)).toBe("abc");
  expect(cutToWidth("abcd", 3)).toBe("ab…");
  expect(cutToWidth("表示表示", 4)).toBe("表…");
});

describe("wrapping", () => {
  test("at words, what hangs over indented", () => {
    expect(wrapText("one two three four", 9, 2)).toEqual(["one two", "  three", "  four"]);
  });

  test("between chunks first, and never after a chunk that took several lines", () => {
    const lines = wrap(
      [[{ text: "SELECT a" }], [{ text: "FROM t" }], [{ text: "WHERE something = 1" }], [{ text: "ORDER" }]],
      15,
    );
    expect(lines.map((line) => line.map(({ text }) => text).join(""))).toEqual([
      "SELECT a FROM t",
      "WHERE something",
      "  = 1",
      "ORDER",
    ]);
  });

  test("within long words after punctuation, or anywhere", () => {
    expect(wrapText("worker_runs_partition_id_key", 13)).toEqual(["worker_runs_", "partition_id_", "key"]);
    expect(wrapText("x".repeat(7), 3)).toEqual(["xxx", "xxx", "x"]);
    expect(wrapText("表示表示", 5)).toEqual(["表示", "表示"]);
  });

  test("no line is too wide and nothing but spaces is lost", () => {
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 4 }),
        fc.integer({ min: 2, max: 60 }),
        fc.nat(3),
        (texts, width, indent) => {
          const chunks = texts.map((text) => [{ text: visible(text) }]);
          const lines = wrap(chunks, width, indent).map((line) => line.map(({ text }) => text).join(""));
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(squeezed(lines)).toBe(squeezed(chunks.flat().map(({ text }) => text)));
        },
      ),
    );
  });
});

function squeezed(lines: readonly string[]): string {
  return lines.join("").replaceAll(" ", "");
}
