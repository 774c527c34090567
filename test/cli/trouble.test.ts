import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";

import type { VerdictFile } from "../../src/index.js";
import { postmasterIn, project, serversOf, stackLine, type Running } from "./support.js";

const { vary, run, start, verdict: verdictIn, write, counterexamples } = project();

/** A check that would take for ever, in its own reports folder. */
function endless(name: string, ...flags: string[]): Running {
  return start(
    "check",
    "counter.ts",
    "--strategy",
    "random",
    // Else what is to break would be done with as soon as it has.
    "--executions",
    "10000000",
    "--time",
    "300",
    "--json",
    `${name}.json`,
    "--reports",
    name,
    ...flags,
  );
}

/** Waits until the server of a run is up, and some executions are done; returns the server's directory. */
async function underway({ process: { pid } }: Running): Promise<string> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) {
    const [directory] = serversOf(pid);
    if (directory === undefined || postmasterIn(directory) === undefined) continue;
    await sleep(1000);
    return directory;
  }
  throw new Error("no server came up");
}

describe.concurrent("it could not be told: exit 3", () => {
  test("no Postgres at the url", async () => {
    const { code, stderr } = await run("check", "counter.ts", "--postgres", "postgres://user:geheim@127.0.0.1:1/db");
    expect(code).toBe(3);
    expect(stderr).toMatch(/^raceproof: Cannot connect to 127\.0\.0\.1:1\/db: .*ECONNREFUSED/);
    expect(stderr).not.toContain("geheim");
  });

  test("Postgres killed in mid-run", async () => {
    const running = endless("killed");
    const directory = await underway(running);
    process.kill(postmasterIn(directory)!, "SIGKILL");
    const { code, stderr } = await running.ended;
    expect(stderr).toMatch(/raceproof: embedded Postgres [\d.]+ ended while it was in use/);
    expect(stderr).not.toMatch(stackLine);
    expect(code).toBe(3);
    expect(serversOf(running.process.pid)).toEqual([]);
  });

  test("code that awaits what is not under control, for ever", async () => {
    const model = vary(
      "forever.ts",
      `operations: { increment: { parameters: fc.constant(null), run: async ({ implementation }) => { await implementation(); await new Promise(() => {}); } } }`,
    );
    const { code, stdout } = await run(
      "check",
      model,
      "-i",
      "correct",
      "--lanes",
      "4",
      "--executions",
      "10",
      "--json",
      "-",
    );
    expect(code).toBe(3);
    const [correct] = (JSON.parse(stdout) as VerdictFile).implementations;
    expect(correct).toMatchObject({ verdict: "inconclusive", asExpected: false });
    expect(correct!.problems[0]!.message).toMatch(
      /did something that raceproof does not control .*"increment", after: commit/s,
    );
  });

  test("code that does not do the same twice is said not to, and never that this is our bug", async () => {
    const model = vary(
      "dice.ts",
      `implementations: { only: { expect: "holds", create: () => async () => { for (let i = crypto.getRandomValues(new Uint8Array(1))[0]! / 64; i > 0; i--) await pool.query("select 1"); await increment(""); } } }`,
    );
    const { code, stdout, stderr } = await run("check", model, "--executions", "60");
    expect(stderr).not.toContain("bug in raceproof");
    // Whatever it broke, nothing is concluded from it.
    expect(code).toBe(3);
    expect(stdout).toMatch(/uncontrolled nondeterminism: .* at step \d+: /);
  });
});

/** Until its progress says so, which a busy machine may take a while to come to. */
function hasFoundSomething({ process }: ReturnType<typeof endless>): Promise<void> {
  return new Promise((resolve) => {
    process.stderr!.on("data", (text: string) => {
      if (/kinds? of violation/.test(text)) resolve();
    });
  });
}

describe.concurrent("interrupted: exit 130", () => {
  test.for(["SIGINT", "SIGTERM"] as const)(
    "%s: what was found so far is written, and nothing is left",
    async (signal) => {
      const running = endless(signal);
      await hasFoundSomething(running);
      running.process.kill(signal);
      const { code, stderr } = await running.ended;
      expect(code).toBe(130);
      expect(stderr).not.toMatch(stackLine);
      expect(serversOf(running.process.pid)).toEqual([]);
      const verdict = verdictIn(`${signal}.json`);
      expect(verdict).toMatchObject({
        interrupted: true,
        asExpected: false,
        implementations: [{ name: "broken", verdict: "violates" }],
      });
      const [file] = counterexamples(signal);
      expect(file).toBe(verdict.implementations[0]!.violations[0]!.counterexample);
      expect((await run("replay", file!, "--times", "2")).stdout).toContain("reproduced: 2 of 2");
    },
  );

  test("during a scenario", async () => {
    const running = start("scenario", "--all");
    while (serversOf(running.process.pid).length === 0) await sleep(5);
    running.process.kill("SIGINT");
    expect((await running.ended).code).toBe(130);
    expect(serversOf(running.process.pid)).toEqual([]);
  });
});

test("killed outright: the server goes, and the next run is as if nothing had been", async () => {
  const running = endless("outright");
  const directory = await underway(running);
  running.process.kill("SIGKILL");
  expect((await running.ended).code).toBe("SIGKILL");
  const next = await run(
    "check",
    "counter.ts",
    "--executions",
    "60",
    "--reports",
    "outright",
    "--json",
    "outright.json",
  );
  expect(next.code).toBe(0);
  for (const end = Date.now() + 20_000; serversOf(running.process.pid).length > 0 && Date.now() < end;) await sleep(20);
  expect(serversOf(running.process.pid)).not.toContain(directory);
});

test("a program of 500 steps", async () => {
  write(
    "long.mjs",
    `import { defineModel, fc } from "raceproof";
     const many = async ({ pool }) => { for (let i = 0; i < 250; i++) await pool.query("update t set n = n + 1"); };
     export default defineModel({
       name: "long",
       schema: "create table t (n integer)",
       implementations: { only: { create: () => 0 } },
       initial: fc.constant(null),
       seed: () => ({ t: [{ n: 0 }] }),
       operations: { many: { parameters: fc.constant(null), run: many } },
       operationsPerActor: 1,
       actors: { one: ["many"], two: ["many"] },
       state: { t: "select n from t" },
       invariants: { "a multiple of 250": ({ t }) => t[0].n % 250 === 0 ? undefined : "n = " + t[0].n },
     });`,
  );
  const flags = ["--strategy", "random", "--executions", "11", "--json", "long.json"];
  const { code } = await run("check", "long.mjs", ...flags);
  expect(code).toBe(0);
  expect(verdictIn("long.json").implementations[0]!.steps).toBeGreaterThan(2_500);
});

test("output that nobody reads to its end", async () => {
  const { process, ended } = start("scenario", "redelivery-during-retry", "--json");
  process.stdout!.destroy();
  const { code, stderr } = await ended;
  expect(stderr).toBe("");
  expect(code).toBe(0);
});
