import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/config/config.js";
import { closest, configKeys } from "../../src/config/keys.js";
import { start } from "./support.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(path.join(os.tmpdir(), "raceproof-config-"));
afterAll(() => rmSync(scratch, { recursive: true }));
// As if it were installed there.
mkdirSync(path.join(scratch, "node_modules"));
symlinkSync(root, path.join(scratch, "node_modules/raceproof"));
symlinkSync(path.join(root, "node_modules/pg"), path.join(scratch, "node_modules/pg"));

let folders = 0;

function project(config?: string): string {
  const cwd = path.join(scratch, `project-${folders++}`);
  mkdirSync(cwd);
  if (config !== undefined) writeFileSync(path.join(cwd, "raceproof.config.ts"), config);
  return cwd;
}

const configOf = (text: string) => `import { defineConfig } from "raceproof";\nexport default defineConfig(${text});\n`;

test("`init` writes a configuration and a model that finds a race, and nothing over what is there", async () => {
  const cwd = project();
  const written = await start(["init"], { cwd }).ended;
  expect(written.stdout).toMatch(/^wrote raceproof\.config\.ts\nwrote races\/transfer\.model\.ts\n\nNext:/);
  const checked = await start(["check", "--executions", "200"], { cwd }).ended;
  expect([checked.code, checked.stderr]).toEqual([1, expect.not.stringContaining("raceproof: ") as string]);
  expect(checked.stdout).toContain("✗ money is conserved");
  const again = await start(["init"], { cwd }).ended;
  expect([again.code, again.stderr]).toEqual([
    2,
    "raceproof: raceproof.config.ts is there already; nothing was written\n",
  ]);
});

describe("the command line wins over environment variables, and these over the configuration:", () => {
  const seedOf = async (cwd: string, args: readonly string[], env: NodeJS.ProcessEnv) => {
    const { stdout, stderr } = await start(["check", "lost-update", "--json", "-", ...args], { cwd, env }).ended;
    if (stdout === "") throw new Error(stderr);
    const verdict = JSON.parse(stdout) as {
      seed: string;
      implementations: { executions: number; condition: string }[];
    };
    return [verdict.seed, verdict.implementations.map(({ condition }) => condition).join()];
  };
  const config = configOf(`{ seed: "file", executions: 20, isolation: ["serializable"], implementation: "correct" }`);

  test("the file", async () => {
    expect(await seedOf(project(config), [], {})).toEqual(["file", "serializable"]);
  });

  test("a variable", async () => {
    const env = { RACEPROOF_SEED: "variable", RACEPROOF_ISOLATION: "serializable,repeatable-read" };
    expect(await seedOf(project(config), [], env)).toEqual(["variable", "serializable,repeatable read"]);
  });

  test("a flag", async () => {
    const env = { RACEPROOF_SEED: "variable" };
    expect(await seedOf(project(config), ["--seed", "flag"], env)).toEqual(["flag", "serializable"]);
  });
});

describe("what is wrong with the file is said in one sentence:", () => {
  const mistakes: [what: string, config: string, message: string][] = [
    ["an unknown key", configOf("{ sead: 1 }"), "has an unknown key `sead`; did you mean `seed`?"],
    [
      "one in a section",
      configOf("{ replay: { time: 1 } }"),
      "unknown key `replay.time`; did you mean `replay.times`?",
    ],
    ["one that is like no other", configOf("{ colour: 1 }"), "unknown key `colour`; there are: postgres, model,"],
    ["a section that is none", configOf("{ replay: 1 }"), "must be an object"],
    ["a file that does not load", "export default defineConfig(", "raceproof.config.ts cannot be loaded: "],
  ];
  test.each(mistakes)("%s", async (_, config, message) => {
    process.env["RACEPROOF_CONFIG"] = path.join(project(config), "raceproof.config.ts");
    onTestFinished(() => {
      delete process.env["RACEPROOF_CONFIG"];
    });
    await expect(loadConfig()).rejects.toThrow(message);
  });
});

describe("and with values:", () => {
  const mistakes: [what: string, config: string, env: NodeJS.ProcessEnv, message: string][] = [
    [
      "of the wrong kind",
      configOf("{ executions: {} }"),
      {},
      "`executions` in raceproof.config.ts must be a text or a number, and is {}",
    ],
    [
      "that no flag would take",
      configOf("{ executions: -1 }"),
      {},
      "`executions` in raceproof.config.ts is wrong: It must be a whole number, at least 1.",
    ],
    [
      "of a variable",
      "",
      { RACEPROOF_LANES: "many" },
      "RACEPROOF_LANES is wrong: It must be a whole number, at least 1.",
    ],
    ["that are no answer", "", { RACEPROOF_FAULTS: "maybe" }, 'RACEPROOF_FAULTS must be true or false, and is "maybe"'],
    [
      "that name no file",
      "",
      { RACEPROOF_CONFIG: "nowhere.ts" },
      "RACEPROOF_CONFIG names nowhere.ts, and there is no such file",
    ],
  ];
  test.each(mistakes)("%s", async (_, config, env, message) => {
    const cwd = project(config === "" ? undefined : config);
    const { code, stderr } = await start(["check", "lost-update"], { cwd, env }).ended;
    expect([code, stderr]).toEqual([2, `raceproof: ${message}\n`]);
  });
});

test("the documentation has every flag, with its key and its variable, as the command line has them", async () => {
  const { stdout } = await start(["settings"], { cwd: root }).ended;
  const file = path.join(root, "docs/configuration.md");
  const shown = readFileSync(file, "utf8").replace(
    /(<!-- settings -->\n)[^]*?(<!-- end -->)/,
    (_, before: string, after: string) => `${before}${stdout}${after}`,
  );
  await expect(shown).toMatchFileSnapshot(file);
  const keys = stdout
    .split("\n")
    .flatMap((line) => /^\| `(\w+)` \| .*? \| `([\w.]+)` \|/.exec(line)?.slice(1, 3).join(" ") ?? []);
  const known = Object.entries(configKeys).flatMap(([command, own]) =>
    own
      .filter((key) => !(command === "check" && key === "model"))
      .map((key) => `${command} ${command === "check" ? key : `${command}.${key}`}`),
  );
  expect(keys.filter((key) => !/^(?!check)\w+ postgres$/.test(key)).toSorted()).toEqual(known.toSorted());
});

test("a suggestion is made only where it is likely", () => {
  expect(closest("executons", configKeys.check)).toBe("executions");
  expect(closest("Lanes", configKeys.check)).toBe("lanes");
  expect(closest("timeout", configKeys.check)).toBeUndefined();
});
