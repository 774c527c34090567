import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { reportersOf } from "../../src/cli/reporters.js";
import { writeCounterexample } from "../../src/report/counterexample-file.js";
import { bank } from "../report/fixtures.js";
import { polling } from "../report/stories.js";
import { green } from "../report/verdict-fixtures.js";
import { project } from "./support.js";

const { write, read, run } = project();

describe("raceproof show", () => {
  test("a counterexample: writes its page beside it, and prints where", async () => {
    const file = write("one/bank.json", writeCounterexample(bank));
    expect(await run("show", file)).toEqual({ code: 0, stdout: "one/bank.html\n", stderr: "" });
    expect(read("one/bank.html")).toContain("money is conserved");
    expect(await run("show", file, "--output", "there/page.html")).toMatchObject({
      code: 0,
      stdout: "there/page.html\n",
    });
    expect(read("there/page.html")).toContain("npx raceproof replay one/bank.json");
  });

  test("a folder: the verdict and all counterexamples in it, also those in a folder of their own", async () => {
    write("all/verdict.json", JSON.stringify(green));
    write("all/a.json", writeCounterexample(bank));
    write("all/counterexamples/b.json", writeCounterexample({ ...bank, implementation: "other" }));
    expect(await run("show", "all")).toMatchObject({ code: 0, stdout: "all/dashboard-sync.html\n" });
    const page = read("all/dashboard-sync.html");
    expect(page.match(/<article/gu)).toHaveLength(2);
    expect(page).toContain('id="verdict"');
    // From now on it is there, and is not made again.
    expect((await run("show", "all")).stdout).toBe("all/dashboard-sync.html\n");
  });

  test("what it was before it was shrunk, where a check has written that beside it", async () => {
    const from = { actors: 3, operations: 6, faults: 0, preemptions: 9, steps: 41, switches: 17 };
    const file = write("shrunk/bank.json", writeCounterexample(bank));
    const steps = [...bank.trace.steps, ...bank.trace.steps];
    const found = { counterexample: "bank.json", seed: "seven", from, executions: 57, steps };
    write("shrunk/bank.found.jsonl", `${JSON.stringify(found)}\n`);
    await run("show", file);
    expect(read("shrunk/bank.html")).toContain("Before and after shrinking (12 steps, 6 steps)");
    expect((await run("show", file, "--format", "terminal")).stdout).toContain("shrunk from 6 operations");
    write("shrunk/bank.found.jsonl", "{}\n");
    expect((await run("show", file)).stderr).toMatch(/^raceproof: shrunk\/bank\.found\.jsonl cannot be read: .*\n$/u);
  });

  test("as text, with all of its steps if they are asked for", async () => {
    const file = write("text/polling.json", writeCounterexample(polling));
    const { stdout } = await run("show", file, "--format", "terminal");
    expect(stdout).toContain("⋯  steps 2 to 4 change nothing");
    expect((await run("show", file, "--all-steps")).stdout.match(/◇ sleep/gu)).toHaveLength(4);
    const args = ["--format", "markdown", "--all-steps", "--output", "text/polling.md"];
    expect(await run("show", file, ...args)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(read("text/polling.md").match(/^\|.*◇ sleep/gmu)).toHaveLength(4);
  });

  test.each([
    [["show", "nothing.json"], "there is no file nothing.json"],
    [["show", "nothing.html"], "there is no file nothing.html"],
    [["show", "empty"], "empty has neither a report nor a counterexample in it"],
    [["show", "odd.json"], "odd.json is no counterexample|has no schema"],
    [["check", "counter.ts", "--reporter", "nope"], 'there is no reporter "nope"; there are: terminal, html'],
    [
      ["check", "counter.ts", "--reporter", "junit", "--reporter", "jsonl"],
      '"junit" and "jsonl" would both write to standard output',
    ],
    [["check", "counter.ts", "--reporter", "sarif=empty"], "empty is a folder"],
  ])("%j: one clear error", async (args, message) => {
    write("empty/x.txt", "");
    write("odd.json", "{}");
    const { code, stderr } = await run(...args);
    expect([code, stderr.trimEnd().split("\n").length]).toEqual([2, 1]);
    expect(stderr).toMatch(new RegExp(message, "u"));
  });
});

test("a check writes what its reporters are asked for", async () => {
  const { code, stdout } = await run(
    "check",
    "counter.ts",
    "--executions",
    "40",
    "--reports",
    "r",
    "--reporter",
    "junit=out/j.xml",
    "--reporter",
    "agent",
  );
  expect([code, stdout.split("\n")[0]]).toEqual([0, "raceproof counter: ok. All 2 are as expected."]);
  expect(read("out/j.xml")).toContain("broken, as expected");
  expect(read("r/counter.html")).toContain("<article");
});

describe("which reporters", () => {
  const names = (given: Parameters<typeof reportersOf>[0], env: NodeJS.ProcessEnv = {}) =>
    reportersOf(given, env).map(({ name, file }) => (file === undefined ? name : `${name}=${file}`));

  test.each<[string, Parameters<typeof reportersOf>[0], NodeJS.ProcessEnv, string[]]>([
    ["by default", {}, {}, ["html", "terminal"]],
    [
      "in GitHub's workflows",
      {},
      { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: "/s" },
      ["html", "terminal", "github", "summary=/s"],
    ],
    ["--json FILE comes on top", { json: "v.json" }, {}, ["html", "terminal", "json=v.json"]],
    ["--json - has standard output to itself", { json: "-" }, { GITHUB_ACTIONS: "true" }, ["html", "json=-"]],
    [
      "those asked for, and no other",
      { reporter: ["agent", "html=x.html"] },
      { GITHUB_ACTIONS: "true" },
      ["agent", "html=x.html"],
    ],
    [
      "a summary goes to the job's own",
      { reporter: ["summary"] },
      { GITHUB_STEP_SUMMARY: "/s" },
      ["html", "summary=/s"],
    ],
  ])("%s", (_, given, env, expected) => {
    expect(names(given, env)).toEqual(expected);
  });
});

test("the schemas are there for whoever installs it", () => {
  const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    exports: Record<string, string>;
  };
  expect(exports["./schemas/*"]).toBe("./dist/src/report/schemas/*");
  const schema = new URL("../../dist/src/report/schemas/verdict-1.json", import.meta.url);
  expect((JSON.parse(readFileSync(schema, "utf8")) as { title: string }).title).toBe("raceproof/verdict@1");
});
