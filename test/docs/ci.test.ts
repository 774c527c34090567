import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { reporterOf } from "../../src/cli/reporters.js";
import { readPage, root } from "./pages.js";

const run = promisify(execFile);
const files = [...readPage("docs/ci.md").matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => parse(text!) as Workflow);

/** As much of a workflow of GitHub's or a pipeline of GitLab's as there are commands in. */
interface Job {
  readonly steps?: readonly { readonly run?: string; readonly uses?: string }[];
  readonly script?: readonly string[];
  readonly strategy?: { readonly matrix: { readonly shard: readonly number[] } };
}
type Workflow = Readonly<Record<string, Job>> & { readonly jobs?: Readonly<Record<string, Job>> };

/** What runners put in place before a shell sees it; of the first of them all. */
const variables: Readonly<Record<string, string>> = {
  "${{ matrix.shard }}": "1",
  "${{ github.run_number }}": "1",
  $CI_NODE_INDEX: "1",
  $CI_NODE_TOTAL: "4",
};

const commands = files
  .flatMap((file) => Object.values<Job>(file.jobs ?? file))
  .flatMap(({ steps = [], script = [] }) => [...steps.flatMap((step) => step.run ?? []), ...script])
  .filter((command) => command.startsWith("npx raceproof "))
  .map((command) => Object.entries(variables).reduce((text, [name, value]) => text.replaceAll(name, value), command));

test("each file is YAML with jobs, and every step of a workflow does one thing", () => {
  expect(files).toHaveLength(3);
  expect(commands).toHaveLength(5);
  for (const { jobs = {} } of files)
    for (const { steps } of Object.values(jobs))
      for (const { run, uses } of steps!) expect([run, uses].filter((each) => each !== undefined)).toHaveLength(1);
  // A matrix has all of the shards that its command speaks of.
  const { strategy, steps } = files[1]!.jobs!["shard"]!;
  const shards = strategy!.matrix.shard;
  expect(shards).toEqual(shards.map((_, i) => i + 1));
  expect(steps!.some(({ run = "" }) => run.includes(`--shard \${{ matrix.shard }}/${shards.length} `))).toBe(true);
});

test.each(commands)("the command line takes all that is said in: %s", async (command) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-ci-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, "shard-1.json"), "{}");
  const cli = `"${process.execPath}" "${path.join(root, "dist/src/cli/main.js")}"`;
  const line = command.replace(/ \|\| \[.*/, "").replace("npx raceproof", cli);
  const failed = await run("/bin/sh", ["-c", line], { cwd: folder }).then(
    () => undefined,
    (error: unknown) => error as { readonly stderr: string; readonly code: number },
  );
  for (const [, reporter] of command.matchAll(/--reporter (\S+)/g)) expect(() => reporterOf(reporter!)).not.toThrow();
  // What is wrong is the file, as there is no such model and no such shard here: not the options, which are read before it.
  expect(failed?.code).toBe(2);
  expect(failed?.stderr).toMatch(
    /^raceproof: (there is no model "races\/transfer\.model\.ts"|shard-1\.json is no verdict)/,
  );
});
