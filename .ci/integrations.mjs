// Runs the tests of raceproof with the libraries that people use: `node .ci/integrations.mjs [files]`. They are installed
// apart, when they are not those of the lock file, and need a build of raceproof.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = path.join(root, "test/integrations");
const options = { cwd: folder, stdio: ["ignore", "inherit", "inherit"] };

const installed = path.join(folder, "node_modules/.raceproof-lock");
const lock = readFileSync(path.join(folder, "package-lock.json"), "utf8");
if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
  // Without install scripts: none of these libraries needs one.
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], options);
  writeFileSync(installed, lock);
}

// They see raceproof as their users do, by its name.
const link = path.join(folder, "node_modules/raceproof");
rmSync(link, { force: true, recursive: true });
mkdirSync(path.dirname(link), { recursive: true });
symlinkSync(root, link);

// Generating needs no engine, but would download one that it does not find.
execFileSync(process.execPath, ["node_modules/prisma/build/index.js", "generate", "--schema", "prisma/schema.prisma"], {
  ...options,
  stdio: ["ignore", "ignore", "inherit"],
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" },
});

const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", "--config", "vitest.config.mjs", ...process.argv.slice(2)],
  options,
);
process.exitCode = status ?? 1;
