import { execFile, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { ClientConfig } from "pg";
import { embeddedBinaries } from "../src/postgres/binaries.js";
import type { PostgresServer } from "../src/postgres/server.js";

const place = "lib/pgxs/src/test/isolation/isolationtester";

/** The program that Postgres tests its own isolation with. */
export interface Isolationtester {
  readonly version: string;
  /** Whose it is: the one that comes with the embedded Postgres, or that of a Debian package. */
  readonly from: "the embedded Postgres" | "Debian";
  /**
   * What it prints about a spec, run in a database of its own on this server.
   *
   * @param env What it finds in its environment beside our own.
   */
  run(server: PostgresServer, spec: string, env?: NodeJS.ProcessEnv): Promise<string>;
}

/** All that run here. */
export async function isolationtesters(): Promise<Isolationtester[]> {
  const found: Isolationtester[] = [];
  for (const { file, env, from } of candidates()) {
    try {
      const { stdout } = await promisify(execFile)(file, ["-V"], { env });
      found.push({
        version: stdout.trim(),
        from,
        run: (server, spec, more) => run(file, { ...env, ...more }, server, spec),
      });
    } catch {
      // It is not there, or lacks a library.
    }
  }
  return found;
}

interface Candidate extends Pick<Isolationtester, "from"> {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

function candidates(): Candidate[] {
  const { tree } = embeddedBinaries();
  const own = tree === undefined ? [] : [path.join(tree, place.replace("lib/", "lib/postgresql/"))];
  const env = tree === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: path.join(tree, "lib") };
  const debian = versionsOf("/usr/lib/postgresql").map((version) => path.join("/usr/lib/postgresql", version, place));
  return [
    ...own.map((file) => ({ file, env, from: "the embedded Postgres" as const })),
    ...debian.map((file) => ({ file, env: process.env, from: "Debian" as const })),
  ];
}

function versionsOf(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}

async function run(file: string, env: NodeJS.ProcessEnv, server: PostgresServer, spec: string): Promise<string> {
  const database = await server.createDatabase();
  try {
    const tester = spawn(file, [conninfo(database.connection)], { env, stdio: ["pipe", "pipe", "ignore"] });
    tester.stdin.end(spec);
    return await text(tester.stdout);
  } finally {
    await database.drop();
  }
}

/** As libpq reads it. */
function conninfo({ host, port, user, password, database }: ClientConfig): string {
  const parts = { host, port, user, password: typeof password === "string" ? password : undefined, dbname: database };
  return Object.entries(parts)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}='${String(value).replaceAll(/[\\']/g, "\\$&")}'`)
    .join(" ");
}
