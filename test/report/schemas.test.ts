import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";

import { writeCounterexample } from "../../src/report/counterexample-file.js";
import { counterexamples, hostile, nasty } from "./fixtures.js";
import { long, stories, withNastyExplanation } from "./stories.js";
import { verdicts } from "./verdict-fixtures.js";

const ajv = new Ajv2020({ strict: true, allErrors: true });

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}

const isCounterexample = ajv.compile(read("../../src/report/schemas/counterexample-1.json") as object);
const isVerdict = ajv.compile(read("../../src/report/schemas/verdict-1.json") as object);

const all = { ...counterexamples, ...stories, long: long(12), nastyExplanation: withNastyExplanation(hostile, nasty) };

test.each(Object.entries(all))("the file of %s fits the published schema", (_, counterexample) => {
  isCounterexample(JSON.parse(writeCounterexample(counterexample)));
  expect(isCounterexample.errors).toBeNull();
});

test.each(readdirSync(new URL("golden/file", import.meta.url)))("golden %s fits it", (name) => {
  isCounterexample(read(`golden/file/${name}`));
  expect(isCounterexample.errors).toBeNull();
});

test.each(Object.entries(verdicts))("verdict %s fits the published schema", (_, verdict) => {
  isVerdict(verdict);
  expect(isVerdict.errors).toBeNull();
});

test("what is no counterexample does not", () => {
  const file = JSON.parse(writeCounterexample(counterexamples.bank)) as { trace: { steps: object[] } };
  expect(isCounterexample({ ...file, schema: "raceproof/counterexample@2" })).toBe(false);
  expect(isCounterexample({ ...file, trace: { ...file.trace, steps: [{}] } })).toBe(false);
  expect(isVerdict({ ...verdicts.green, asExpected: "yes" })).toBe(false);
});
