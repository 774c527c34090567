import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import { readCounterexample, type Counterexample } from "../../src/index.js";
import { project, raceproof, stackLine } from "./support.js";

const { folder, run, read, write, counterexamples } = project();

const found = "reports/counter.broken.nothing-is-lost-broken.json";

beforeAll(async () => {
  await run("check", "counter.ts", "-i", "broken", "--executions", "60");
});

test("the check wrote one", () => {
  expect(counterexamples("reports")).toEqual([found]);
});

/** Postgres' own programs, where the machine has them. */
function systemBins(): string[] {
  try {
    return readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

test("20 of 20, and the first of them is shown", async () => {
  const { code, stdout } = await run("replay", found, "--times", "20");
  expect(stdout).toContain("reproduced: 20 of 20, on Postgres");
  expect(stdout).toContain("update counter set n = ");
  expect(code).toBe(0);
});

test.skipIf(systemBins().length === 0)(
  "20 of 20 on the Postgres of the machine (skipped where there is none)",
  async () => {
    for (const bin of systemBins()) {
      const { code, stdout } = await run("replay", found, "--times", "20", "--postgres", bin);
      expect(stdout).toMatch(/reproduced: 20 of 20, on Postgres \d+\.\d+ \(directory\)/);
      expect(code).toBe(0);
    }
  },
);

test("--json prints JSON and nothing else", async () => {
  const { code, stdout } = await run("replay", found, "--json", "--times", "2");
  expect(JSON.parse(stdout)).toMatchObject({ file: found, reproduced: 2, fixed: 0, changed: 0, diverged: 0, times: 2 });
  expect(code).toBe(0);
});

test("from another folder: it says what to do, and --model does it", async () => {
  const elsewhere = path.dirname(folder);
  const file = path.join(folder, found);
  const lost = await raceproof(["replay", file], { cwd: elsewhere });
  expect(lost.stderr).toMatch(/there is no counter\.ts, .*replay it from there, or say with --model/);
  expect(lost.code).toBe(2);
  const { code } = await raceproof(["replay", file, "--model", path.join(folder, "counter.ts")], { cwd: elsewhere });
  expect(code).toBe(0);
});

/** The counterexample, changed. */
function edited(name: string, edit: (counterexample: any) => void): string {
  const counterexample = JSON.parse(read(found)) as Counterexample;
  edit(counterexample);
  return write(`${name}.json`, JSON.stringify(counterexample));
}

describe("a file that does not fit", () => {
  test.for<[what: string, edit: (counterexample: any) => void, code: number, says: RegExp]>([
    ["future schema", (it) => (it.schema = "raceproof/counterexample@2"), 2, /newer raceproof/],
    [
      "something missing",
      (it) => delete it.program.actors,
      2,
      /no counterexample that can be replayed: program\.actors is missing/,
    ],
    [
      "unknown operation",
      (it) => (it.program.actors[0].operations[0].operation = "decrement"),
      2,
      /has no operation "decrement"/,
    ],
    ["unknown implementation", (it) => (it.implementation = "older"), 2, /no longer has the implementation "older"/],
    ["another model's", (it) => (it.model.name = "other"), 2, /of model "other", and this is model "counter"/],
    ["unknown shipped model", (it) => (it.model = { name: "gone", module: null }), 2, /there is no model "gone"/],
    ["unknown module", (it) => (it.model.module = "gone.ts"), 2, /there is no gone\.ts/],
    [
      "another statement",
      (it) => (it.trace.steps[1].text = "select 1"),
      3,
      /diverged at step 2: the statement differs\n.*recorded: select 1/s,
    ],
    [
      "another row count",
      (it) => (it.trace.steps[2].outcome.rowCount = 7),
      3,
      /diverged at step 3: what comes back differs\n.*recorded: .*7 rows/s,
    ],
    [
      "another Postgres",
      (it) => {
        it.environment.postgres.version = "9.6";
        it.trace.steps[2].outcome.command = "START TRANSACTION";
      },
      3,
      /diverged at step 3: what comes back differs\n[^]*Recorded on Postgres 9\.6\.\nMost likely this Postgres does otherwise/,
    ],
    [
      "a step too many",
      (it) => it.trace.steps.push({ ...it.trace.steps.at(-1), index: it.trace.steps.length }),
      3,
      /diverged at step \d+: the number of steps differs/,
    ],
    [
      "a switch to nobody",
      (it) => (it.schedule[0].to = "carol"),
      3,
      /diverged at step 3: who takes it differs\n  recorded: bob\n +in bob: begin\n  now: +alice\n/s,
    ],
  ])("%s", async ([what, edit, expected, says]) => {
    const { code, stdout, stderr } = await run("replay", edited(what, edit));
    expect(expected === 2 ? stderr : stdout).toMatch(says);
    expect(stderr + stdout).not.toMatch(stackLine);
    expect(stderr.split("\n").length).toBeLessThan(3);
    expect(code).toBe(expected);
  });

  test("cut in half", async () => {
    const text = read(found);
    const { code, stderr } = await run("replay", write("half.json", text.slice(0, text.length / 2)));
    expect(stderr).toMatch(/^raceproof: half\.json is cut off or not JSON: .*\n$/);
    expect(code).toBe(2);
  });
});

test("after the code was mended", async () => {
  const text = readFileSync(path.join(folder, "counter.ts"), "utf8");
  // The same statements by name, and one more word in one of them.
  write(
    "mended.ts",
    text.replace(
      'broken: { expect: { violates: ["nothing is lost"] }, create: () => () => increment("") }',
      'broken: { create: () => () => increment("for update") }',
    ),
  );
  const other = await run("replay", found, "--model", "mended.ts");
  expect(other.stdout).toMatch(
    /diverged at step 2: the statement differs\n  recorded: .*\n.*  now: .*for update\n[^]*The code or the model was most likely changed/s,
  );
  expect(other.code).toBe(3);
  // The same steps, and what they did is no longer wrong.
  write(
    "forgiven.ts",
    text
      .replace("row?.n === ", "true || row?.n === ")
      .replace('counter[0]?.["n"] ===', 'true || counter[0]?.["n"] ==='),
  );
  const same = await run("replay", found, "--model", "forgiven.ts");
  expect(same.stdout).toContain("fixed: the same steps, and every invariant holds");
  expect(same.code).toBe(1);
});

test("what the check wrote is what is read", () => {
  const counterexample = readCounterexample(read(found), found);
  expect(counterexample.program.actors.map(({ name, operations }) => [name, operations.length])).toEqual([
    ["alice", 1],
    ["bob", 1],
  ]);
  expect(counterexample.confirmed).toEqual({ reproduced: 10, times: 10 });
});

describe("after an edit", () => {
  /** The project's own module with an edited increment; its models are still those of the file. */
  function withIncrement(name: string, edit: (text: string) => string): string {
    const text = readFileSync(path.join(folder, "counter.ts"), "utf8");
    const edited = edit(text);
    expect(edited).not.toBe(text);
    return write(name, edited);
  }

  const select = "const { rows } = await client.query<{ n: number }>(`select n from counter ${lock}`);";

  test("a comment: reproduced, a hundred times", async () => {
    const model = withIncrement("comment.ts", (text) => text.replace(select, `// Reads it.\n    ${select}`));
    const { code, stdout } = await run("replay", found, "--model", model, "--times", "100");
    expect(stdout).toContain("reproduced: 100 of 100");
    expect(code).toBe(0);
  });

  test("a statement more: it says so, and --guided still finds the race", async () => {
    const model = withIncrement("more.ts", (text) =>
      text.replace(select, `await client.query("select 'harmless'");\n    ${select}`),
    );
    const strict = await run("replay", found, "--model", model);
    expect(strict.stdout).toMatch(
      /diverged at step 2: the statement differs\n {2}recorded: select n from counter\n.*\n {2}now: +select 'harmless'\n/,
    );
    expect(strict.stdout).toContain("The code or the model was most likely changed");
    expect(strict.code).toBe(3);
    const guided = await run("replay", found, "--model", model, "--guided");
    expect(guided.stdout).toMatch(
      /guided: reproduced: 3 of 3 runs .*still breaks in the same way\n {2}new: select 'harmless'/,
    );
    expect(guided.code).toBe(0);
  });

  test("two statements change places: --guided follows them", async () => {
    const model = withIncrement("reordered.ts", (text) =>
      text.replace(`await client.query("begin");\n    ${select}`, `${select}\n    await client.query("begin");`),
    );
    const { code, stdout } = await run("replay", found, "--model", model, "--guided", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      diverged: 1,
      difference: { step: 1, what: "the statement", recorded: "begin", now: "select n from counter" },
      cause: "code changed",
      guided: { kind: "reproduced", followed: 3, legs: 3, added: [], gone: [] },
    });
    expect(code).toBe(0);
  });

  test("the fix: --guided says that it holds", async () => {
    const model = withIncrement("fix.ts", (text) => text.replaceAll('increment("")', 'increment("for update")'));
    const { code, stdout } = await run("replay", found, "--model", model, "--guided");
    expect(stdout).toMatch(/diverged at step 2: .*guided: fixed: .*every invariant holds/s);
    expect(code).toBe(1);
  });

  test("something random: uncontrolled input", async () => {
    const model = withIncrement("dice.ts", (text) =>
      text.replace(
        select,
        `for (let i = crypto.getRandomValues(new Uint8Array(1))[0]! / 5; i > 0; i--) await client.query("select 1");\n    ${select}`,
      ),
    );
    const { stdout } = await run("replay", found, "--model", model, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ cause: "uncontrolled input" });
  });

  test("other rows to begin with: the data changed", async () => {
    const model = withIncrement("two-rows.ts", (text) =>
      text.replace("counter: [{ n: 0 }]", "counter: [{ n: 0 }, { n: 0 }]"),
    );
    const { code, stdout } = await run("replay", found, "--model", model);
    expect(stdout).toMatch(
      /diverged at step 2: what comes back differs\n.*SELECT, 1 rows\n.*\n.*SELECT, 2 rows\n.*\n.*its rows, most likely/,
    );
    expect(code).toBe(3);
  });
});

test("the test that it is exported as fails before the fix and passes after it, and so does an edited one", async () => {
  const { stdout } = await run("export", found, "--format", "test");
  expect(stdout).toContain('{ actor: "alice", until: "update counter" },');
  // What the test does, without vitest: the literal as it stands.
  const call = /playTimeline\([^]*?\n {2}\}\)/.exec(stdout)![0];
  const script = (implementation: string, edit = call) =>
    `import { playTimeline } from "raceproof";\nimport { createJiti } from ${JSON.stringify(import.meta.resolve("jiti"))};\nconst model = await createJiti(import.meta.url).import("./counter.ts", { default: true });\nconst { violations } = await ${edit.replace('"broken"', `"${implementation}"`)};\nconsole.log(violations.length);\n`;
  const output = (name: string, text: string) =>
    execFileSync(process.execPath, [write(name, text)], { cwd: folder, encoding: "utf8" }).trim();
  expect(output("broken.mjs", script("broken"))).toBe("1");
  expect(output("one-after-the-other.mjs", script("broken", call.replace(', until: "update counter"', "")))).toBe("0");
  // Under the lock bob cannot do all of his before alice goes on: his leg ends where he waits.
  expect(output("correct.mjs", script("correct"))).toBe("0");
});
