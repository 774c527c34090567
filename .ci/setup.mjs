// Brings a clone into a state in which it can run: dependencies, if they are not those of the lock file, and the build.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const installed = "node_modules/.raceproof-lock";
const lock = readFileSync("package-lock.json", "utf8");
if (!existsSync(installed) || readFileSync(installed, "utf8") !== lock) {
  process.stderr.write("installing dependencies…\n");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { stdio: ["ignore", 2, 2] });
  writeFileSync(installed, lock);
}

rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", ".ci/tsconfig.build.json"], {
  stdio: ["ignore", 2, 2],
});
// What the compiler does not bring along.
const assets = { models: [".sql"], "src/report": [".css", ".js", ".json"] };
for (const [folder, extensions] of Object.entries(assets))
  for (const file of readdirSync(folder, { recursive: true }))
    if (extensions.includes(path.extname(file))) cpSync(path.join(folder, file), path.join("dist", folder, file));
