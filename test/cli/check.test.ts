import { describe, expect, test } from "vitest";

import { readCounterexample, type VerdictFile } from "../../src/index.js";
import { hasEscapes, project, raceproof, withoutTimes } from "./support.js";

const { folder, vary, run, read, verdict: verdictIn, counterexamples, write } = project();

const only = (expectation: string, lock: string) =>
  `implementations: { only: { expect: ${expectation}, create: () => () => increment(${JSON.stringify(lock)}) } }`;

test("all as expected: exit 0, and the verdict says what it rests on", async () => {
  const { code, stdout } = await run(
    "check",
    "counter.ts",
    "--seed",
    "s",
    "--executions",
    "60",
    "--json",
    "v.json",
    "--reports",
    "own reports",
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/✓ {2}broken/);
  expect(hasEscapes(stdout)).toBe(false);
  const verdict = verdictIn("v.json");
  expect(verdict).toMatchObject({
    schema: "raceproof/verdict@1",
    model: "counter",
    seed: "s",
    asExpected: true,
    interrupted: false,
  });
  const [broken, correct] = verdict.implementations;
  const file = "own reports/counter.broken.nothing-is-lost-broken.json";
  expect(broken).toMatchObject({
    name: "broken",
    expected: { violates: ["nothing is lost"] },
    verdict: "violates",
    strategy: "portfolio",
    seed: "s",
    violations: [{ signature: "nothing is lost: broken", operations: 2, switches: 2, counterexample: file }],
  });
  expect(correct).toMatchObject({
    name: "correct",
    expected: "holds",
    verdict: "holds",
    violations: [],
  });
  expect(correct!.lockWaits).toBeGreaterThan(0);
  for (const { executions, claim } of verdict.implementations) {
    expect(executions).toBeGreaterThan(20);
    expect(executions).toBeLessThanOrEqual(60);
    expect(claim).toMatch(/^all orders \(about [\d,]+\) of \d+ programs/);
  }
  for (const { steps, programs, distinctSchedules, deadlocks } of verdict.implementations) {
    expect(steps).toBeGreaterThan(100);
    expect(programs).toBeGreaterThan(1);
    expect(distinctSchedules).toBeGreaterThan(10);
    expect(deadlocks).toBe(0);
  }
  const counterexample = readCounterexample(read(file), file);
  expect(counterexample).toMatchObject({
    implementation: "broken",
    confirmed: { reproduced: 10, times: 10 },
    model: { module: "counter.ts" },
  });
  // What is to be pasted into a shell can be.
  expect(stdout).toContain(`npx raceproof replay '${file}'`);
  expect(read(file.replace(".json", ".md"))).toContain(`npx raceproof replay '${file}'`);
});

describe("not as expected: exit 1", () => {
  const invariants = "...counter.invariants";
  test.for([
    ["a violation where none may be", only(`"holds"`, ""), "violates"],
    ["none where one must be", only(`"violates"`, "for update"), "holds"],
    ["no expectation means that it holds", only("undefined", ""), "violates"],
    [
      "an invariant named that does not break",
      `${only(`{ violates: ["nothing is lost", "never negative"] }`, "")}, invariants: { ${invariants}, "never negative": ({ counter }) => counter[0].n < 0 ? "negative" : undefined }`,
      "violates",
    ],
    [
      "an invariant breaks that is not named",
      `${only(`{ violates: ["nothing is lost"] }`, "")}, invariants: { ${invariants}, "the same again": counter.invariants["nothing is lost"] }`,
      "violates",
    ],
  ] as const)("%s", async ([name, changes, expected]) => {
    const id = name.replaceAll(" ", "-");
    const { code, stdout } = await run(
      "check",
      vary(`${id}.ts`, changes),
      "--executions",
      "60",
      "--json",
      `${id}.json`,
    );
    expect(code).toBe(1);
    expect(stdout).toContain("✗ Not as expected: only.");
    expect(verdictIn(`${id}.json`)).toMatchObject({
      asExpected: false,
      implementations: [{ verdict: expected, asExpected: false }],
    });
  });
});

test("one seed gives one verdict, whatever the lanes and however busy the machine", async () => {
  const lanes = ["1", "3", "16"];
  await Promise.all(
    lanes.map((each) =>
      run(
        "check",
        "counter.ts",
        "--seed",
        "same",
        "--executions",
        "50",
        "--lanes",
        each,
        "--json",
        `lanes-${each}.json`,
        "--reports",
        "same",
      ),
    ),
  );
  const [one, three, sixteen] = lanes.map((each) => withoutTimes(verdictIn(`lanes-${each}.json`)));
  expect(three).toEqual(one);
  expect(sixteen).toEqual(one);
  // Two that wrote into the same folder at once left whole files, and nothing else.
  expect(counterexamples("same")).toHaveLength(1);
  readCounterexample(read(counterexamples("same")[0]!), "same");
});

test("--json - prints JSON and nothing else; progress goes to stderr", async () => {
  const { code, stdout } = await run("check", "counter.ts", "-i", "correct", "--executions", "30", "--json", "-");
  expect(code).toBe(0);
  const verdict = JSON.parse(stdout) as VerdictFile;
  expect(verdict.implementations.map(({ name }) => name)).toEqual(["correct"]);
});

test("FORCE_COLOR colours, NO_COLOR wins", async () => {
  const args = ["check", "counter.ts", "-i", "correct", "--executions", "20"];
  const [coloured, plain] = await Promise.all([
    raceproof(args, { cwd: folder, env: { FORCE_COLOR: "1" } }),
    raceproof(args, { cwd: folder, env: { FORCE_COLOR: "1", NO_COLOR: "1" } }),
  ]);
  expect(hasEscapes(coloured.stdout)).toBe(true);
  expect(hasEscapes(plain.stdout)).toBe(false);
});

test("--time ends exploring, and a module's own timer does not keep the process", async () => {
  const model = vary("timer.ts", "", "setInterval(() => {}, 1000);");
  const { code, stdout } = await run("check", model, "-i", "correct", "--time", "1", "--json", "-");
  expect(code).toBe(0);
  const [correct] = (JSON.parse(stdout) as VerdictFile).implementations;
  expect(correct!.executions).toBeGreaterThan(0);
  expect(correct!.seconds).toBeLessThan(10);
});

test("names that no file may have, and two that look alike", async () => {
  const odd = `../a "b" 'c' \\u00fc\\u8868 ${"long ".repeat(60)}`;
  const model = vary(
    "odd names.ts",
    `name: "${odd.replaceAll('"', '\\"')}",
     implementations: { "x y": counter.implementations.broken, "x-y": counter.implementations.broken, "/etc/": counter.implementations.broken },
     invariants: { "nothing is lost": counter.invariants["nothing is lost"] }`,
  );
  const { code } = await run("check", model, "--executions", "40", "--reports", "odd", "--json", "odd.json");
  expect(code).toBe(0);
  const files = counterexamples("odd");
  expect(files).toHaveLength(3);
  const named = verdictIn("odd.json").implementations.map(({ violations: [each] }) => each?.counterexample);
  expect(new Set(named)).toEqual(new Set(files));
  const replayed = await run("replay", files[0]!);
  expect(replayed.code).toBe(0);
  expect(replayed.stdout).toContain("reproduced: 1 of 1");
});

test("plain JavaScript, parameters of every kind, and none at all", async () => {
  write(
    "kinds.js",
    `import pg from "pg";
     import { defineModel, fc } from "raceproof";
     export default defineModel({
       name: "kinds",
       schema: "create table kinds (id bigint primary key, doc jsonb, at timestamptz, data bytea, list text[])",
       implementations: { only: { create: ({ pool }) => pool } },
       initial: fc.constant(undefined),
       seed: () => ({ kinds: [{ id: "9007199254740993", doc: { a: [1, null] }, at: "2024-02-29T00:00:00Z", data: "\\\\x00ff", list: ["a"] }] }),
       operations: {
         write: {
           parameters: fc.constant(undefined),
           run: async ({ pool }) => {
             const values = [9007199254740993n, { a: "b" }, new Date(0), Buffer.from([0, 255]), ["x", null]];
             await pool.query("update kinds set doc = $2, at = $3, data = $4, list = $5 where id = $1", values);
             const { rows } = await pool.query("select * from kinds where id = $1", [values[0]]);
             if (!(rows[0].at instanceof Date) || !Buffer.isBuffer(rows[0].data)) throw new TypeError("not as pg gives it");
             return rows[0];
           },
         },
       },
       actors: { one: ["write"], two: ["write"] },
       state: { kinds: "select * from kinds" },
       invariants: { "untouched": ({ kinds }) => kinds[0].doc.a === "b" ? "it was written" : undefined },
     });`,
  );
  const { code } = await run("check", "kinds.js", "--executions", "20", "--reports", "kinds");
  expect(code).toBe(1);
  const [file] = counterexamples("kinds");
  const { trace } = readCounterexample(read(file!), file!);
  expect(trace.steps[0]!.values).toEqual([
    "9007199254740993",
    { a: "b" },
    "1970-01-01T00:00:00.000Z",
    "\\x00ff",
    ["x", null],
  ]);
  expect((await run("replay", file!)).stdout).toContain("reproduced: 1 of 1");
});

test("a TypeError in the code under test is what it breaks by", async () => {
  const model = vary(
    "typeerror.ts",
    `implementations: { only: { expect: { violates: ["operations end as they may"] }, create: () => async () => { await increment("for update"); null.oops; } } },
     invariants: { "none": () => undefined }`,
  );
  const { code, stdout } = await run("check", model, "--executions", "20");
  expect(stdout).toContain("increment throws TypeError");
  expect(code).toBe(0);
});
