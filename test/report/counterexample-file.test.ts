import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { UsageError } from "../../src/errors.js";
import {
  counterexampleFileName,
  readCounterexample,
  writeCounterexample,
} from "../../src/report/counterexample-file.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";
import { counterexample } from "./arbitraries.js";
import { counterexamples, redelivery } from "./fixtures.js";

type Fields = Record<string, unknown>;

describe("the file", () => {
  test.each(Object.entries(counterexamples))("of %s", async (name, counterexample) => {
    const text = writeCounterexample(counterexample);
    // Not named .json: the formatter of this repository would have it its own way.
    await expect(text).toMatchFileSnapshot(`golden/file/${name}.json.txt`);
    expect(readCounterexample(text, "x.json")).toEqual(asInFile(counterexample));
  });

  test("comes back as it was written, and is written the same again", () => {
    fc.assert(
      fc.property(counterexample, (counterexample) => {
        const text = writeCounterexample(counterexample);
        const read = readCounterexample(text, "x.json");
        expect(read).toEqual(asInFile(counterexample));
        expect(writeCounterexample(read)).toBe(text);
        expect(text).toMatch(/^[^\u007f-\u009f\u200b\u202a-\u202e]*\}\n$/u);
      }),
    );
  });

  test("does not depend on the order of keys", () => {
    expect(writeCounterexample(reversed(redelivery) as typeof redelivery)).toBe(writeCounterexample(redelivery));
  });
});

/** Without how it was found: whoever finds the same writes the same. */
function asInFile({ seed: _, shrink: { to, minimality }, ...rest }: Counterexample): Counterexample {
  return { ...rest, shrink: { to, ...(minimality && { minimality }) } };
}

/** With the keys of everything but records and what a model fills in the other way round. */
function reversed(value: unknown, key = ""): unknown {
  if (["settings", "display", "displayBefore", "state", "parameters", "initial", "rows", "values"].includes(key))
    return value;
  if (Array.isArray(value)) return value.map((item) => reversed(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item, key)]),
  );
}

const good = writeCounterexample(redelivery);

function read(text: string) {
  return () => readCounterexample(text, "dir/a.json");
}

describe("what cannot be read", () => {
  test.each([
    ["", "dir/a.json is empty: expected a raceproof/counterexample@1"],
    ["hello", /^dir\/a\.json is cut off or not JSON: .*hello/u],
    [good.slice(0, 300), /^dir\/a\.json is cut off or not JSON: .* at .*line \d+, column \d+/u],
    [
      "[]",
      'dir/a.json has no schema: expected "raceproof/counterexample@1", the file that raceproof writes for a counterexample',
    ],
    ['{"schema": "raceproof/verdict@1"}', /has the schema "raceproof\/verdict@1": expected/u],
    ['{"schema": "raceproof/counterexample@2"}', /was written by a newer raceproof .*@2.*: update raceproof/u],
    [
      '{"schema": "raceproof/counterexample@1"}',
      "dir/a.json is no counterexample that can be replayed: model is missing; expected an object",
    ],
  ])("%j", (text, message) => {
    expect(read(text)).toThrow(UsageError);
    expect(read(text)).toThrow(message);
  });

  test.each<[string, (file: Fields) => void]>([
    [
      'trace.steps[1].outcome.rowCount is "1"; expected a whole number',
      (file) => (at(file, "trace", "steps", 1, "outcome")["rowCount"] = "1"),
    ],
    ["trace.steps[2].index is 5; expected 2", (file) => (at(file, "trace", "steps", 2)["index"] = 5)],
    [
      'trace.steps[0].kind is "query"; expected "statement" or "yield" or "crash"',
      (file) => (at(file, "trace", "steps", 0)["kind"] = "query"),
    ],
    [
      'trace.steps[0].outcome.kind is "lost"; expected "rows" or "error" or "passed"',
      (file) => (at(file, "trace", "steps", 0, "outcome")["kind"] = "lost"),
    ],
    ["trace.steps[0].wait.holders is missing; expected a list", (file) => (at(file, "trace", "steps", 0)["wait"] = {})],
    [
      "trace.steps[0].display.flags is 1; expected a text",
      (file) => (at(file, "trace", "steps", 0, "display")["flags"] = 1),
    ],
    [
      "trace.operations[1].steps is [1]; expected the first and the last step",
      (file) => (at(file, "trace", "operations", 1)["steps"] = [1]),
    ],
    [
      "trace.operations[0].result.threw is missing; expected an object",
      (file) => (at(file, "trace", "operations", 0)["result"] = {}),
    ],
    ['trace.state["a b"] is null; expected a list', (file) => (at(file, "trace", "state")["a b"] = null)],
    ["schedule[0].step is -1; expected a whole number", (file) => (at(file, "schedule", 0)["step"] = -1)],
    ["program.actors is {}; expected a list", (file) => (at(file, "program")["actors"] = {})],
    ["program.initial is missing; expected a value", (file) => delete at(file, "program")["initial"]],
    ["shrink.to.preemptions is -1; expected a whole number", (file) => (at(file, "shrink", "to")["preemptions"] = -1)],
  ])("%s", (message, spoil) => {
    const file = JSON.parse(good) as Fields;
    spoil(file);
    expect(read(JSON.stringify(file))).toThrow(
      new UsageError(`dir/a.json is no counterexample that can be replayed: ${message}`),
    );
  });

  test("every field is needed, but for those that may be left out", () => {
    const free = new Set(["rows", "display", "displayBefore", "parameters", "initial", "state", "settings"]);
    for (const path of fieldsOf(JSON.parse(good))) {
      const key = path.at(-1) ?? "";
      if (
        ["rows", "display", "displayBefore", "minimality"].includes(String(key)) ||
        path.slice(0, -1).some((key) => free.has(String(key)))
      )
        continue;
      const file = JSON.parse(good) as Fields;
      delete at(file, ...path.slice(0, -1))[key];
      expect(read(JSON.stringify(file))).toThrow(UsageError);
    }
  });

  test("wherever it was cut off", () => {
    for (let length = 0; length < good.length - 2; length += 37)
      expect(read(good.slice(0, length))).toThrow(UsageError);
  });

  test("a file from an editor that adds a byte order mark can be", () => {
    expect(readCounterexample(`\ufeff${good}`, "a.json")).toEqual(asInFile(redelivery));
  });
});

function at(value: unknown, ...path: readonly (string | number)[]): Fields {
  return path.reduce((value, key) => (value as Fields)[key], value) as Fields;
}

function fieldsOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(Array.isArray(value) ? [] : [[...path, key]]),
    ...fieldsOf(item, [...path, key]),
  ]);
}

function name(model: string, implementation: string, signature: string): string {
  const condition = "read committed";
  return counterexampleFileName({ model: { name: model, module: null }, implementation, condition, signature });
}

describe("its name", () => {
  test("is made of model, implementation and signature", () => {
    expect(name("dashboard-sync", "legacy", "counter: too high; flags: row missing")).toBe(
      "dashboard-sync.legacy.counter-too-high-flags-row-missing.json",
    );
  });

  test("is unique by a hash where something is cut or replaced", () => {
    expect(name("m", "i", "x".repeat(100))).toMatch(/^m\.i\.x{80}\.[\da-f]{8}\.json$/u);
    expect(name("m", "i", "表: a")).not.toBe(name("m", "i", "示: a"));
    expect(name("../../etc", "", "\u0000")).toMatch(/^etc\.unnamed\.unnamed\.[\da-f]{8}\.json$/u);
  });

  test("is safe and short, whatever it is made of", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string(),
        fc.string({ maxLength: 300 }),
        (model, implementation, signature) => {
          const file = name(model, implementation, signature);
          expect(file).toMatch(/^\w[\w.-]*\.json$/u);
          expect(file).not.toContain("..");
          expect(file.length).toBeLessThanOrEqual(190);
        },
      ),
    );
  });
});
