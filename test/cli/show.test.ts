import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

import { requireWritable } from "../../src/cli/check.js";
import { codeUrlOf } from "../../src/cli/code-url.js";
import { reportersOf } from "../../src/cli/reporters.js";
import { renderHtml } from "../../src/report/html/page.js";
import { UsageError } from "../../src/errors.js";
import { showCommand } from "../../src/cli/show.js";
import { writeCounterexample } from "../../src/report/counterexample-file.js";
import { bank } from "../report/fixtures.js";
import { polling } from "../report/stories.js";
import { green } from "../report/verdict-fixtures.js";
import { project, raceproof } from "./support.js";

const { folder, write, read, run } = project();

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

  test("one clear error, and the exit code of wrong use", async () => {
    expect(await run("show", "nothing.json")).toEqual({
      code: 2,
      stdout: "",
      stderr: "raceproof: there is no file nothing.json\n",
    });
  });

  const at = (name: string) => path.join(folder, name);

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ["no page", () => showCommand(at("nothing.html"), {}), /there is no file .*nothing\.html$/u],
    ["nothing in it", () => showCommand(at("empty"), {}), /empty has neither a report nor a counterexample in it$/u],
    ["something else", () => showCommand(at("odd.json"), {}), /odd\.json.* schema/u],
    [
      "a folder for a file",
      () => requireWritable(at("r"), [{ name: "sarif", file: at("empty") }]),
      /empty is a folder/u,
    ],
    [
      "no such reporter",
      async () => reportersOf({ reporter: ["nope"] }, {}),
      /^there is no reporter "nope"; there are: terminal, html/u,
    ],
    [
      "two for one stream",
      async () => reportersOf({ reporter: ["junit", "jsonl"] }, {}),
      /^"junit" and "jsonl" would both write to standard output/u,
    ],
  ])("%s", async (_, wrong, message) => {
    write("empty/x.txt", "");
    write("odd.json", "{}");
    const error = await wrong().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(message);
  });
});

test("a check writes what its reporters are asked for, in GitHub's jobs so that no line of it is a command", async () => {
  const args = ["check", "counter.ts", "--executions", "40", "--reports", "r", "--no-counterexamples"];
  const reporters = ["--reporter", "junit=out/j.xml", "--reporter", "comment=out/c.md", "--reporter", "agent"];
  const { code, stdout } = await raceproof([...args, ...reporters], { cwd: folder, env: { GITHUB_ACTIONS: "true" } });
  const [first, ...lines] = stdout.trimEnd().split("\n");
  expect([code, lines]).toEqual([
    0,
    ["raceproof counter: ok. All 2 are as expected.", `::${first!.slice("::stop-commands::".length)}::`],
  ]);
  expect(read("out/j.xml")).toContain("broken, as expected");
  expect(read("out/c.md")).toMatch(/^<!-- raceproof: counter -->\n### ✓ counter\n/u);
  expect(read("r/counter.html")).toContain("<article");
});

describe("where a page's lines of code link to", () => {
  const github = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "o/r", GITHUB_SHA: "abc" };
  const gitlab = { CI_PROJECT_URL: "https://gitlab.com/o/r", CI_COMMIT_SHA: "abc" };
  const [here, above] = [process.cwd(), path.dirname(process.cwd())];
  const name = encodeURIComponent(path.basename(here));

  test.each<[string, string, NodeJS.ProcessEnv, string]>([
    ["to the files beside it", "page.html", {}, "./"],
    ["from a folder", "reports/a/page.html", {}, "../../"],
    ["on GitHub", "r/page.html", { ...github, GITHUB_WORKSPACE: here }, "https://github.com/o/r/blob/abc/"],
    [
      "in a folder there",
      "page.html",
      { ...github, GITHUB_WORKSPACE: above },
      `https://github.com/o/r/blob/abc/${name}/`,
    ],
    ["on GitLab", "page.html", { ...gitlab, CI_PROJECT_DIR: here }, "https://gitlab.com/o/r/-/blob/abc/"],
  ])("%s", (_, page, env, expected) => {
    expect(codeUrlOf(page, env)).toBe(expected);
  });

  const hrefs = (page: string) =>
    [...page.matchAll(/<p class="where"><code><a href="([^"]*)"/gu)].map(([, href]) => href);
  const told = (site: { file: string }) => {
    const sites = bank.explanation!.sites.map((each) => each && { ...each, ...site });
    const counterexample = { ...bank, explanation: { ...bank.explanation!, sites } };
    return { verdict: null, counterexamples: [{ counterexample, file: "x.json", replayCommand: "replay" }] };
  };

  test("to the line, where code is shown by the line, and nowhere else whatever a file is called", () => {
    const at = (code: string, file: string) => hrefs(renderHtml(told({ file }), { code }))[0];
    expect(at("https://x.org/", "src/a b.ts")).toBe("https://x.org/src/a%20b.ts#L10");
    expect(at("../", "src/a.ts")).toBe("../src/a.ts");
    expect(at("./", "javascript:alert(1)")).toBe("./javascript%3Aalert(1)");
    expect(at("./", "//evil.org/x")).toBe(".///evil.org/x");
    expect(at("./", "raceproof/models/x.js")).toBeUndefined();
    expect(hrefs(renderHtml(told({ file: "a.ts" })))).toEqual([]);
  });
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
