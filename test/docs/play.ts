import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { keepingNumbers, root, withoutNumbers } from "./pages.js";

/** What a project has that followed the page's `npm install`: by links into this checkout. */
const installed = { raceproof: ".", vitest: "node_modules/vitest", pg: "node_modules/pg" };
const programs = { raceproof: "dist/src/cli/main.js", vitest: "node_modules/vitest/vitest.mjs" };

const fence = /```(ts|js|sh|text)\n([^]*?)```/g;

/** A project in an empty folder, as somebody has it who does what a page says. */
export interface Project {
  readonly folder: string;
  /**
   * Does what a page says: writes the files whose name their first line is, runs the commands, and compares the text behind
   * a command with what it printed, from that text's first line to its last.
   *
   * @returns The page with what was printed now.
   */
  follow(page: string): string;
  remove(): void;
}

export function emptyProject(): Project {
  const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-page-"));
  const modules = path.join(folder, "node_modules");
  mkdirSync(path.join(modules, ".bin"), { recursive: true });
  for (const [name, place] of Object.entries(installed)) symlinkSync(path.join(root, place), path.join(modules, name));
  for (const [name, file] of Object.entries(programs)) {
    // By name, as the copy in `dist` need not be executable.
    const start = `#!/bin/sh\nexec "${process.execPath}" "${path.join(root, file)}" "$@"\n`;
    writeFileSync(path.join(modules, ".bin", name), start, { mode: 0o755 });
  }
  writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  return {
    folder,
    follow: (page) => follow(page, folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function follow(page: string, folder: string): string {
  let printed: string | undefined;
  return page.replaceAll(fence, (block, language: string, text: string) => {
    if (language === "sh")
      printed = text
        .trimEnd()
        .split("\n")
        .map((line) => run(line, folder))
        .join("");
    if (language === "ts" || language === "js") write(text, folder);
    if (language !== "text") return block;
    if (printed === undefined) throw new Error(`nothing was run before this was printed:\n${text}`);
    return `\`\`\`text\n${keepingNumbers(text, excerpt(printed, text))}\`\`\``;
  });
}

function write(text: string, folder: string): void {
  const [, name] = /^\/\/ (\S+\.[cm]?[jt]s)\n/.exec(text) ?? [];
  // A piece of code that is no file of its own.
  if (name === undefined) return;
  mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

/** Runs a line of a page, which may fail; what it printed. */
function run(line: string, folder: string): string {
  const command = line.replace(/ +#.*$/, "");
  if (command.startsWith("npm install ")) {
    const missing = command
      .split(" ")
      .slice(2)
      .filter((word) => !word.startsWith("-") && !(word in installed));
    if (missing.length > 0) throw new Error(`the page installs ${missing.join(", ")}, and this test does not`);
    return "";
  }
  const [, variables = "", program, rest = ""] =
    /^((?:\w+=\S+ )*)(npx raceproof|npx vitest|node --test)\b(.*)$/.exec(command) ?? [];
  if (program === undefined) throw new Error(`the page has a command that this test does not run: ${line}`);
  const { VITEST: _, VITEST_MODE: __, NODE_TEST_CONTEXT: ___, ...env } = process.env;
  const { stdout } = spawnSync("/bin/sh", ["-c", `${variables}${program.replace("npx ", "")}${rest} 2>&1`], {
    cwd: folder,
    encoding: "utf8",
    env: { ...env, NO_COLOR: "1", COLUMNS: "100", PATH: `${folder}/node_modules/.bin:${process.env["PATH"]}` },
  });
  return stdout;
}

/** What stands in an output from a text's first line to its last. */
function excerpt(output: string, shown: string): string {
  const lines = output.split("\n").map((line) => line.trimEnd());
  const wanted = shown.trimEnd().split("\n");
  const find = (line: string, from: number) =>
    lines.findIndex((each, i) => i >= from && withoutNumbers(each) === withoutNumbers(line));
  const first = find(wanted[0]!, 0);
  const last = find(wanted.at(-1)!, first);
  if (first === -1 || last === -1)
    throw new Error(`the page shows «${first === -1 ? wanted[0] : wanted.at(-1)}», which was not printed:\n${output}`);
  return `${lines.slice(first, last + 1).join("\n")}\n`;
}
