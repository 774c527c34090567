import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import pg from "pg";
import { onTestFinished } from "vitest";

import { processStart } from "../../src/postgres/processes.js";
import type { PostgresServer } from "../../src/postgres/server.js";

/** Noisy machines are slow; nothing here takes longer than a second or two otherwise. */
export const patient = { timeout: 60_000 };

export const asRoot = process.geteuid?.() === 0;

/** A Postgres of the machine's own, where there is one: the newest of Debian's. */
export const systemBin = [18, 17, 16, 15, 14]
  .map((major) => `/usr/lib/postgresql/${major}/bin`)
  .find((bin) => existsSync(path.join(bin, "initdb")));

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Stops a server once the test is over, however it ended. */
export function stopping(server: PostgresServer): PostgresServer {
  onTestFinished(() => server.stop());
  return server;
}

/** The directory in which a server of our own runs. */
export async function directoryOf(server: PostgresServer): Promise<string> {
  return String((await server.createDatabase()).connection.host);
}

/** Runs one statement in a database, on a connection of its own. */
export async function ask<Row extends pg.QueryResultRow>(config: pg.ClientConfig, sql: string): Promise<Row[]> {
  const client = new pg.Client(config);
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A folder that is gone after the test. */
export function temporaryFolder(parent = os.tmpdir()): string {
  const folder = mkdtempSync(path.join(parent, "test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until something holds, and not for ever. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds());) {
    if (Date.now() > end) throw new Error(`after 20 s still not: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isAlive(pid: number): boolean {
  return processStart(pid) !== undefined;
}

/** What a child process is run with. */
export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Where compiled sources are kept, if not in node_modules: the child must be able to write there. */
  readonly cache?: string;
}

/** A process of its own that can be killed. */
export interface Child {
  readonly process: ChildProcess;
  /** The first line it prints, as JSON. */
  readonly said: Promise<any>;
  /** Settles when it has ended, with its exit code or signal and what it wrote to stderr. */
  readonly ended: Promise<{ readonly by: number | string | null; readonly stderr: string }>;
}

/** Runs `body` in another process, with `openServer` and `say` at hand. It is killed at the end of the test at the latest. */
export function inChild(body: string, { cache, ...options }: ChildOptions = {}): Child {
  const code = `
    import { createJiti } from "jiti";
    const { openServer } = await createJiti(${JSON.stringify(path.join(root, "test.ts"))}, { fsCache: ${JSON.stringify(cache ?? true)} }).import("./src/postgres/open.ts");
    const say = (what) => console.log(JSON.stringify(what));
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: root, stdio: "pipe", ...options });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (piece) => (stderr += String(piece)));
  const ended = new Promise<{ by: number | string | null; stderr: string }>((resolve) => {
    child.once("close", (code, signal) => resolve({ by: signal ?? code, stderr }));
  });
  const said = new Promise((resolve, reject) => {
    child.stdout.on("data", (piece) => {
      stdout += String(piece);
      if (stdout.includes("\n")) resolve(JSON.parse(stdout.slice(0, stdout.indexOf("\n"))));
    });
    void ended.then(({ by }) => reject(new Error(`the child ended by ${by} and said nothing: ${stderr}`)));
  });
  said.catch(() => {});
  return { process: child, said, ended };
}

/** For {@link inChild}: opens a server, says where it is, and stays. */
export const openAndStay = `
  const server = await openServer(process.env.SPEC ?? "embedded");
  const database = await server.createDatabase();
  const { readFileSync } = await import("node:fs");
  const run = database.connection.host;
  say({ run, postmaster: Number(readFileSync(run + "/data/postmaster.pid", "utf8").split("\\n")[0]) });
  setInterval(() => {}, 1000);
`;
