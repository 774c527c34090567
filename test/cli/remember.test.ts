import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, test } from "vitest";

import { hasEscapes, project, start, withoutTimes } from "./support.js";

const { folder, vary, run, read, verdict: verdictIn, counterexamples, write } = project();

const few = ["--executions", "40", "--lanes", "2"];
const only = (lock: string, run = `increment(${JSON.stringify(lock)})`) =>
  `implementations: { only: { expect: "holds", create: () => () => ${run} } }`;
const file = "counterexamples/counter.only.nothing-is-lost-broken.json";

/** As `increment`, but for a statement in front. */
const withMore = `const more = async (lock) => { await pool.query("select 1 as unrelated"); await increment(lock); };`;

describe.sequential("what was found", () => {
  test("is remembered, and is the same file when it is found again", async () => {
    vary("own.ts", only(""));
    const first = await run("check", "own.ts", ...few);
    expect(first.code).toBe(1);
    expect(first.stderr).toContain(`remembered, and replayed first from now on (commit it): ${file}`);
    expect(counterexamples("counterexamples")).toEqual([file]);
    const text = read(file);
    expect(text).toContain('"module": "own.ts"');
    // Nothing of the machine, of the moment, or secret.
    expect(text).not.toMatch(/\/tmp|\/dev\/shm|password|\b20\d\d-\d\d-\d\d|raceproof-test/i);

    const second = await run("check", "own.ts", ...few, "--json", "again.json");
    expect(second.code).toBe(1);
    // At once, and it is neither found nor shrunk again.
    expect(second.stderr).toMatch(new RegExp(`^still breaks: ${file} \\(the same steps, broken in the same way\\)`));
    expect(second.stderr).not.toContain("remembered, and");
    expect(read(file)).toBe(text);
    expect(verdictIn("again.json")).toMatchObject({
      asExpected: false,
      remembered: [{ file, implementation: "only", condition: "read committed", state: "breaks" }],
      implementations: [
        { violations: [{ signature: "nothing is lost: broken", counterexample: file, remembered: true }] },
      ],
    });
    expect(second.stdout).toContain(`npx raceproof replay ${file}`);
  });

  test("still breaks behind an edit that has nothing to do with it, though its steps are others", async () => {
    vary("own.ts", only("", 'more("")'), withMore);
    const { code, stderr, stdout } = await run("check", "own.ts", ...few);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^still breaks: .*differs from the record at step 1, and its program still breaks: nothing is lost/,
    );
    // What is there can no longer be followed, so what was found now takes its place.
    expect(stderr).toContain(`(commit it): ${file}`);
    expect(stdout).toContain("found before, still breaks");
    expect(read(file)).toContain("unrelated");
    expect(counterexamples("counterexamples")).toEqual([file]);
  });

  test("is fixed when every order of its program holds, and is kept", async () => {
    const text = read(file);
    vary("own.ts", only("", 'more("for update")'), withMore);
    const { code, stderr } = await run("check", "own.ts", ...few, "--json", "fixed.json");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^fixed: .*; all orders of its program hold, in \d+ executions\)/);
    expect(verdictIn("fixed.json")).toMatchObject({ asExpected: true, remembered: [{ state: "fixed" }] });
    expect(read(file)).toBe(text);
  });

  test("that can be told to be neither is no success", async () => {
    vary(
      "own.ts",
      `${only("for update")}, operations: { other: counter.operations.increment }, actors: { alice: ["other"], bob: ["other"] }`,
    );
    const { code, stdout, stderr } = await run("check", "own.ts", ...few);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^DIVERGED: .*\(the model has no operation "increment" any more\)/);
    expect(stdout).toContain("Could not be told: only.");
    expect((await run("check", "own.ts", ...few, "--no-counterexamples")).code).toBe(0);
  });

  test("is listed with its age and what has become of it", async () => {
    vary("own.ts", only(""));
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.invalid", ...args], {
        cwd: folder,
        env: { ...process.env, GIT_COMMITTER_DATE: "2020-01-01T00:00:00Z" },
      });
    git("init", "--quiet");
    git("add", file);
    git("commit", "--quiet", "--message", "found");
    const { code, stdout } = await run("list", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      folder: "counterexamples",
      counterexamples: [
        {
          file,
          model: "counter",
          implementation: "only",
          signature: "nothing is lost: broken",
          state: "breaks",
          since: "2020-01-01T00:00:00.000Z",
          by: "git",
          operations: 2,
        },
      ],
    });
    const plain = await start(["list", "--no-replay"], { cwd: folder, env: { NO_COLOR: "1", FORCE_COLOR: "1" } }).ended;
    expect(plain.stdout).toMatch(/counter, only\n.*nothing is lost: broken\n.*not known: not replayed\n.*\d years ago/);
    expect(hasEscapes(plain.stdout)).toBe(false);
    expect((await run("list", "--counterexamples", "none")).stdout).toBe("Nothing is remembered in none.\n");
  });
});

test("what cannot be read is said before any work is done; what cannot be written ends nothing", async () => {
  vary("broken.ts", only(""));
  write("bad/x.json", "{ cut");
  const bad = await run("check", "broken.ts", ...few, "--counterexamples", "bad");
  expect(bad).toMatchObject({ code: 2, stdout: "" });
  expect(bad.stderr).toMatch(/^raceproof: bad\/x.json is cut off or not JSON/);
  writeFileSync(path.join(folder, "a file"), "");
  expect((await run("list", "--counterexamples", "a file")).stderr).toContain(
    "a file is a file; counterexamples are kept in a folder",
  );
  // Not even root makes folders there.
  const { code, stderr } = await run("check", "broken.ts", ...few, "--counterexamples", "/sys/nothing");
  expect(code).toBe(1);
  expect(stderr).toContain("raceproof: not remembered: /sys/nothing/");
});

test("models that ship with raceproof are remembered only where somebody says so", async () => {
  mkdirSync(path.join(folder, "elsewhere"));
  chmodSync(path.join(folder, "elsewhere"), 0o755);
  await run("check", "lost-update", ...few);
  expect(counterexamples("counterexamples")).toEqual([file]);
  await run("check", "lost-update", ...few, "--counterexamples", "elsewhere");
  expect(counterexamples("elsewhere")).toHaveLength(1);
});

const kills = Number(process.env["RACEPROOF_KILLS"] ?? 2);

/** Kills a check a moment after it has written its checkpoint, if it is not over before; says how it ended. */
async function killedBehindItsCheckpoint(
  options: readonly string[],
  checkpoint: string,
): Promise<number | string | null> {
  const written = () => statSync(path.join(folder, checkpoint), { throwIfNoEntry: false })?.mtimeMs;
  const before = written();
  const child = start([...options, "--checkpoint", checkpoint], { cwd: folder });
  const looking = setInterval(() => {
    if (written() === before) return;
    clearInterval(looking);
    setTimeout(() => child.process.kill("SIGKILL"), Math.random() * 300);
  }, 5);
  const { code } = await child.ended;
  clearInterval(looking);
  return code;
}

test(
  "a check that is killed goes on where it was, and says what one says that was left alone",
  { timeout: 60_000 * (1 + kills) },
  async () => {
    vary("long.ts", `initial: fc.constantFrom(null, 1, 2, 3, 4, 5), operationsPerActor: 2`);
    const options = ["check", "long.ts", "--executions", "800", "--no-counterexamples"];
    await run(...options, "--json", "alone.json");
    expect(await killedBehindItsCheckpoint(options, "long.checkpoint")).toBe("SIGKILL");
    const refused = await run(...options, "--checkpoint", "long.checkpoint", "--seed", "other");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("long.checkpoint is of another run, which had another seed");
    // The first of them goes on from there; one that comes to its end leaves no checkpoint, and the next begins anew.
    for (let times = 1; times < kills; times++) await killedBehindItsCheckpoint(options, "long.checkpoint");
    const { code } = await run(...options, "--checkpoint", "long.checkpoint", "--json", "end.json");
    expect(code).toBe(0);
    expect(withoutTimes(verdictIn("end.json"))).toEqual(withoutTimes(verdictIn("alone.json")));
    expect(() => read("long.checkpoint")).toThrow("ENOENT");
  },
);

test("shards by the command line, merged", async () => {
  const options = ["check", "counter.ts", "--executions", "60"];
  const verdicts = ["1", "2"].map((number) => `s${number}.json`);
  await Promise.all(
    verdicts.map((json, at) => run(...options, "--shard", `${at + 1}/2`, "--json", json, "--reports", `r${at}`)),
  );
  const { code, stdout, stderr } = await run(
    "merge",
    ...verdicts,
    "--json",
    "merged.json",
    "--counterexamples",
    "kept",
  );
  const whole = read(counterexamples("reports")[0]!);
  expect(code).toBe(0);
  expect(stdout).toContain("All 2 are as expected.");
  expect(stderr).toContain("kept/counter.broken.nothing-is-lost-broken.json");
  expect(counterexamples("reports")).toContain("reports/counter.broken.nothing-is-lost-broken.json");
  await run(...options, "--json", "one.json", "--no-counterexamples");
  expect(withoutTimes(verdictIn("merged.json"))).toEqual(withoutTimes(verdictIn("one.json")));
  expect(read(counterexamples("reports")[0]!)).toBe(whole);
  // Without the model they can only be joined.
  const moved = await run("merge", ...verdicts, "--model", "gone.ts");
  expect(moved.code).toBe(2);
  expect(moved.stderr).toContain('for that the model is needed: there is no model "gone.ts"');
  expect(moved.stderr).toContain("give --no-shrink");
  const joined = await run("merge", ...verdicts, "--model", "gone.ts", "--no-shrink", "--json", "joined.json");
  expect(joined.code).toBe(0);
  expect(withoutTimes(verdictIn("joined.json"))).toEqual(withoutTimes(verdictIn("one.json")));
  expect((await run("merge", "s1.json")).stderr).toBe("raceproof: of 2 shards one is missing: 2\n");
  expect((await run("check", "counter.ts", "--shard", "3/2")).stderr).toContain("It must be like 3/8");
}, 120_000);
