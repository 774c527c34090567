import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import type { ClientConfig } from "pg";

import { embeddedPackage } from "../../src/postgres/binaries.js";
import type { PostgresServer } from "../../src/postgres/server.js";

/** PostgreSQL's own isolationtester: the live reference. */
export interface Isolationtester {
  readonly file: string;
  readonly libraries: string | undefined;
}

const inTree = "pgxs/src/test/isolation/isolationtester";
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Those that are here: the one that comes with the embedded Postgres, and Debian's (package `postgresql-client-15`). */
export function isolationtesters(): Isolationtester[] {
  const native = path.join(root, "node_modules", embeddedPackage(), "native/lib");
  const debian = "/usr/lib/postgresql";
  const majors = existsSync(debian) ? readdirSync(debian) : [];
  return [
    { file: path.join(native, "postgresql", inTree), libraries: native },
    ...majors.map((major) => ({ file: path.join(debian, major, "lib", inTree), libraries: undefined })),
  ].filter(
    ({ file, libraries }) => existsSync(file) && (libraries === undefined || existsSync(`${libraries}/libpq.so.5`)),
  );
}

/** What it prints for a spec, in a database of its own; a step that waits for ever is cancelled after two seconds. */
export async function expected(
  { file, libraries }: Isolationtester,
  server: PostgresServer,
  spec: string,
): Promise<string> {
  const database = await server.createDatabase();
  try {
    // As PGISOLATIONTIMEOUT up to version 15, as twice PG_TEST_TIMEOUT_DEFAULT since.
    const env: NodeJS.ProcessEnv = { ...process.env, PGISOLATIONTIMEOUT: "2", PG_TEST_TIMEOUT_DEFAULT: "1" };
    if (libraries !== undefined) env["LD_LIBRARY_PATH"] = libraries;
    const child = spawn(file, [conninfo(database.connection)], { env, stdio: ["pipe", "pipe", "ignore"] });
    child.stdin.end(spec);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    await new Promise((resolve) => child.once("close", resolve));
    return text;
  } finally {
    await database.drop();
  }
}

function conninfo({ host, port, user, database }: ClientConfig): string {
  return Object.entries({ host, port, user, dbname: database })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}='${String(value)}'`)
    .join(" ");
}
