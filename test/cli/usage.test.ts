import { describe, expect, test } from "vitest";

import { hasEscapes, project, raceproof, stackLine } from "./support.js";

const { folder, vary, write, run } = project();

describe("help", () => {
  test.concurrent.for([
    [["--help"], 0, /Commands:[^]*check[^]*replay[^]*scenario[^]*doctor/],
    [
      ["check", "--help"],
      0,
      /--implementation[^]*--seed[^]*--executions[^]*--time[^]*--lanes[^]*--postgres[^]*--json[^]*--reports/,
    ],
    [["--version"], 0, /^\d+\.\d+\.\d+/],
  ] as const)("%s", async ([args, expected, says]) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(expected);
    expect(stdout).toMatch(says);
    expect(stderr).toBe("");
  });

  test("without a command it says what there is, as wrong use", async () => {
    const { code, stdout, stderr } = await run();
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("Usage: raceproof");
    expect(stderr).toMatch(/To begin:\n +raceproof init/);
  });
});

// What a user gets wrong is told in a line or two, with exit code 2, and without a stack trace.

const flags: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [["chek"], /unknown command 'chek'/],
  [["check", "--lane", "2"], /unknown option '--lane'/],
  [["check", "nowhere.ts"], /no model "nowhere\.ts": it is neither a file nor .*dashboard-sync/],
  [["check", "."], /is a folder/],
  [["check", "-i", "nobody"], /no implementation "nobody"; it has: legacy, .*, fixed$/m],
  [["check", "--executions", "0"], /whole number, at least 1/],
  [["check", "--lanes", "many"], /whole number/],
  [["check", "--time", "-1"], /seconds above 0/],
  [["check", "--postgres", "mysql"], /no Postgres that raceproof knows.*embedded, container/s],
  [["check", "--postgres", "/nowhere/bin"], /no such directory/],
  [["check", "--reports", "/dev/null/reports"], /cannot be written/],
  [["check", "--json", "."], /is a folder/],
  [["replay", "nowhere.json"], /there is no file nowhere\.json/],
  [["scenario", "nowhere"], /no scenario "nowhere"; there are: redelivery-during-retry/],
  [["scenario", "double-retry", "-i", "nobody"], /says nothing of implementation "nobody"/],
];

test.concurrent.for(flags)("wrong use: %s", async ([args, says]) => {
  const { code, stdout, stderr } = await run(...args);
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(/^raceproof: /);
  expect(stderr).not.toMatch(stackLine);
  expect(hasEscapes(stderr)).toBe(false);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});

test("RACEPROOF_POSTGRES counts, and is named when it is wrong", async () => {
  const { code, stderr } = await raceproof(["check"], { cwd: folder, env: { RACEPROOF_POSTGRES: "mysql" } });
  expect(stderr).toMatch(/RACEPROOF_POSTGRES is "mysql"/);
  expect(code).toBe(2);
});

test("a mistake in a model", async () => {
  const model = vary("mistake.ts", `actors: { alice: ["increment", "decrement"] }`);
  const { code, stderr } = await run("check", model);
  expect(stderr).toBe(
    `raceproof: mistake.ts is not a model: actor "alice" runs "decrement", which is no operation of the model\n`,
  );
  expect(code).toBe(2);
});

test("a mistake that shows once the model is used", async () => {
  const invariant = `invariants: { "nothing is lost": () => { throw new TypeError("oops") } }`;
  const { code, stderr } = await run("check", vary("throws later.ts", invariant), "--executions", "10");
  expect(stderr).toMatch(
    /^raceproof: invariant "nothing is lost" of model "counter" threw TypeError: oops\n {2}at .*throws later\.ts:\d+:\d+\)?\n$/,
  );
  expect(code).toBe(2);
});

const modules: readonly (readonly [name: string, text: string, says: RegExp])[] = [
  ["syntax.ts", "export default {{{", /syntax\.ts cannot be loaded: .*syntax\.ts:1/],
  ["syntax.mjs", "export default {{{", /syntax\.mjs cannot be loaded: SyntaxError.*\n {2}at .*syntax\.mjs:1/],
  ["throws.ts", 'throw new Error("at the top")', /throws\.ts cannot be loaded: Error: at the top\n {2}at .*throws\.ts/],
  ["imports.mjs", 'import "./nowhere.mjs";', /imports\.mjs cannot be loaded: Error: Cannot find module .*nowhere/],
  ["nothing.ts", "export const model = {};", /nothing\.ts is not a model/],
  ["nothing.mjs", "export const model = {};", /there is no default export/],
];

test.concurrent.for(modules)("a module that is no model: %s", async ([name, text, says]) => {
  const { code, stderr } = await run("check", write(name, text));
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(stackLine);
  expect(code).toBe(2);
});
