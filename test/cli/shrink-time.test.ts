import { expect, test } from "vitest";

import { readCounterexample } from "../../src/index.js";
import { project } from "./support.js";

const { run, read, counterexamples } = project();

test("shrinking that has no time leaves a valid counterexample, and says so", async () => {
  const { code, stdout } = await run(
    "check",
    "counter.ts",
    "-i",
    "broken",
    "--executions",
    "40",
    "--no-counterexamples",
    "--shrink-time",
    "0.0015",
  );
  expect(stdout).toContain("shrinking was cut off: there may be something smaller");
  expect(code).toBe(0);
  const [file] = counterexamples("reports");
  expect(readCounterexample(read(file!), file!)).toMatchObject({
    shrink: { minimality: { kind: "cut off" } },
    confirmed: { reproduced: 10, times: 10 },
  });
  expect((await run("replay", file!)).stdout).toContain("reproduced: 1 of 1");
});

test("two seeds write the same file, byte for byte", async () => {
  const texts = [];
  for (const seed of ["one", "two"]) {
    await run(
      "check",
      "counter.ts",
      "-i",
      "broken",
      "--executions",
      "40",
      "--no-counterexamples",
      "--seed",
      seed,
      "--reports",
      seed,
    );
    texts.push(read(counterexamples(seed)[0]!));
  }
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]).toContain('"kind": "proved"');
});
