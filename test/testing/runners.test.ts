import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { VITEST: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (stdout += piece));
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
  const code = await new Promise<number | null>((resolve) => {
    child.once("close", resolve);
  });
  return { code, stdout, stderr };
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

test("in vitest a race test is a test: failures, filters, retries, timeouts, names without seeds", async () => {
  const config = "test/testing/runners/vitest.config.ts";
  const filter = "finds|holds|again|time|skipped|there";
  const { code, stdout } = await run(
    "node_modules/vitest/vitest.mjs",
    "run",
    "--config",
    config,
    "-t",
    filter,
    "--reporter=json",
  );
  expect(code).toBe(1);
  const report = JSON.parse(stdout) as Report;
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  expect(results.map(({ fullName, status }) => [fullName, status])).toEqual([
    ["finds", "failed"],
    ["holds", "passed"],
    ["tries again", "failed"],
    ["runs out of time", "failed"],
    ["is skipped", "skipped"],
    ["finds, as it should", "passed"],
    ["holds beside others", "passed"],
    ["holds for update", "passed"],
    ["holds for key share", "failed"],
    ["within a suite is found there", "failed"],
    ["within a suite is left out by a filter", "skipped"],
  ]);
  const message = (name: string) => results.find(({ fullName }) => fullName === name)!.failureMessages.join("\n");
  expect(message("finds")).toMatch(/^RaceError: a race breaks "invariant"\n[^]*races\.race\.ts:34:\d+/);
  expect(results.find(({ fullName }) => fullName === "tries again")!.failureMessages).toHaveLength(2);
  expect(message("runs out of time")).toMatch(/interrupted after[^]*Ask for less[^]*or give the test more time/);
  expect(message("within a suite is found there")).toContain('to pin it here: schedule: [{ step: 2, to: "bob" }]');
});

test("under node:test it is a function that rejects", async () => {
  const { code, stdout } = await run("--test", "--test-reporter=spec", "test/testing/runners/node.race.mjs");
  expect(code).toBe(1);
  expect(stdout).toContain('a race breaks "invariant"');
  expect(stdout).toMatch(/node\.race\.mjs:9:\d+/);
});
