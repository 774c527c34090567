import { spawn, type ChildProcess } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll } from "vitest";

import type { VerdictFile } from "../../src/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = path.join(root, "dist/src/cli/main.js");

/** What a run of the command line came to. */
export interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run under way. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts `raceproof`, as built, without a terminal. */
export function start(args: readonly string[], { cwd, env = {} }: RunOptions): Running {
  const { NO_COLOR: _, FORCE_COLOR: __, RACEPROOF_POSTGRES: ___, ...outer } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...outer, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (stdout += piece));
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
  const ended = new Promise<Ran>((resolve) => {
    child.once("close", (code, signal) => resolve({ code: signal ?? code, stdout, stderr }));
  });
  return { process: child, ended };
}

/** Runs `raceproof` to its end. */
export function raceproof(args: readonly string[], options: RunOptions): Promise<Ran> {
  return start(args, options).ended;
}

/** A user's folder, with raceproof and `pg` installed and a model to vary, gone after the file's tests. */
export interface Project {
  readonly folder: string;
  /** Writes a file; returns its name. */
  readonly write: (name: string, text: string) => string;
  /** Writes a model that differs from that of `counter.ts` in what is given as source text; returns its name. */
  readonly vary: (name: string, changes: string, before?: string) => string;
  readonly read: (name: string) => string;
  readonly verdict: (name: string) => VerdictFile;
  /** The counterexample files in a folder. */
  readonly counterexamples: (reports: string) => string[];
  readonly run: (...args: string[]) => Promise<Ran>;
  readonly start: (...args: string[]) => Running;
}

export function project(): Project {
  const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(root, path.join(folder, "node_modules/raceproof"));
  symlinkSync(path.join(root, "node_modules/pg"), path.join(folder, "node_modules/pg"));
  copyFileSync(fileURLToPath(new URL("counter.ts", import.meta.url)), path.join(folder, "counter.ts"));
  const at = (name: string) => path.join(folder, name);
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
    return name;
  };
  return {
    folder,
    write,
    vary: (name, changes, before = "") =>
      write(
        name,
        `import { fc } from "raceproof";\nimport { counter, increment, pool } from "./counter.ts";\n${before}\nexport default { ...counter, ${changes} };\n`,
      ),
    read: (name) => readFileSync(at(name), "utf8"),
    verdict: (name) => JSON.parse(readFileSync(at(name), "utf8")) as VerdictFile,
    counterexamples: (reports) =>
      existsSync(at(reports))
        ? readdirSync(at(reports))
            .filter((name) => name.endsWith(".json"))
            .map((name) => `${reports}/${name}`)
        : [],
    run: (...args) => raceproof(args, { cwd: folder }),
    start: (...args) => start(args, { cwd: folder }),
  };
}

/** A verdict without what differs from run to run. */
export function withoutTimes(verdict: VerdictFile): unknown {
  return JSON.parse(JSON.stringify(verdict, (key, value: unknown) => (key === "seconds" ? undefined : value)));
}

/** The directories of servers that a process made, and did not remove. */
export function serversOf(pid: number | undefined): string[] {
  return ["/dev/shm", os.tmpdir()]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.startsWith("raceproof-"))
        .map((name) => path.join(folder, name)),
    )
    .filter((directory) => {
      try {
        return (JSON.parse(readFileSync(path.join(directory, "owner.json"), "utf8")) as { pid: number }).pid === pid;
      } catch {
        return false;
      }
    });
}

/** The pid of the server in a directory; undefined while it is not up. */
export function postmasterIn(directory: string): number | undefined {
  try {
    return Number(readFileSync(path.join(directory, "data/postmaster.pid"), "utf8").split("\n")[0]);
  } catch {
    return undefined;
  }
}

/** Whether text holds what a terminal acts on. */
export function hasEscapes(text: string): boolean {
  return text.includes("\u001b");
}

/** A line of a stack trace. */
export const stackLine = /^\s+at .*(node_modules|dist\/src|node:internal)/m;
