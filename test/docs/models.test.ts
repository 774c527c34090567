import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
// Inside the checkout, so that `raceproof` is found as a package finds itself: by its name, through its exports.
const folder = path.join(root, ".model-test");
const pages = ["README.md", "docs/models.md"].map((page) => readFileSync(path.join(root, page), "utf8")).join("");

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const [, name, code] of pages.matchAll(/```ts\n\/\/ (\S+\.ts)\n([^]*?)```/g))
    writeFileSync(path.join(folder, name!), code!);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the model of the page is well typed, and so is the race test of the README", async () => {
  const flags = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--skipLibCheck",
    "--types",
    "node",
  ];
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await run(
    process.execPath,
    [tsc, ...flags, "bank.model.ts", "transfer.ts", "transfer.race.test.ts", "--ignoreConfig"],
    {
      cwd: folder,
    },
  );
  expect(stdout).toBe("");
});

test("it finds the race, as the page says", async () => {
  const cli = path.join(root, "dist/src/cli/main.js");
  const flags = ["check", "bank.model.ts", "--executions", "100", "--json", "-"];
  const failed = (await run(process.execPath, [cli, ...flags], { cwd: folder }).catch((error: unknown) => error)) as {
    code?: number;
    stdout: string;
  };
  expect(failed.code).toBe(1);
  const { implementations } = JSON.parse(failed.stdout) as {
    implementations: { violations: { operations: number }[] }[];
  };
  expect(implementations[0]?.violations[0]?.operations).toBe(2);
});
