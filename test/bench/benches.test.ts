import { expect, test } from "vitest";

import type { Figure } from "../../bench/bench.js";
import { benches } from "../../bench/benches.js";
import { lineOf } from "../../bench/line.js";
import { serverForFile } from "../support.js";

const server = serverForFile();

test.each(benches.map((bench) => [bench.name, bench] as const))("%s finds figures", async (_, bench) => {
  const figures: Figure[] = [];
  const setting = { server: server(), quick: true, lanes: 2, memoryExecutions: 100 };
  for await (const figure of bench.run(setting)) figures.push(figure);
  expect(figures.length).toBeGreaterThan(0);
  for (const { value, samples, note } of figures.filter(({ note = "" }) => !note.startsWith("skipped"))) {
    expect(note).toBeUndefined();
    expect(samples).toBeGreaterThan(0);
    expect(value!.median).toBeGreaterThanOrEqual(value!.min);
    expect(value!.median).toBeLessThanOrEqual(value!.max);
  }
});

test("a figure on one line", () => {
  const figure = {
    name: "some ratio",
    unit: "ratio",
    value: { median: 0.7512, min: 0.7, max: 1_234.5 },
    samples: 9,
    aim: "at least 0.8",
  };
  expect(lineOf(figure)).toBe("some ratio: 0.751 (0.7 to 1,235, of 9; aim: at least 0.8)");
  expect(lineOf({ name: "x", unit: "ms", value: undefined, samples: 0, note: "hangs" })).toBe("x: none; hangs");
});
