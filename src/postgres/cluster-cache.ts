import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";

/**
 * A freshly made cluster, kept as one tar file and copied instead of being made again: a fifth of the time.
 *
 * One file, since it can be put in place in one move (two processes may race), and since root can pass it, opened, to an
 * unprivileged account without writing a single file among that account's.
 */
export interface SavedCluster {
  /** An open file, to be read when `found`, else to be written. */
  readonly descriptor: number;
  readonly found: boolean;
  /** To be called once it is known whether the cluster was good: keeps what was written, or throws away. */
  close(good: boolean): void;
}

/** Changes with everything that the key does not show, e.g. the form of the file. */
const format = 1;
const unusedMs = 30 * 24 * 3600 * 1000;

/** `undefined` where nothing can be kept safely; that is no failure. */
export function openSavedCluster(ingredients: readonly string[], folder = cacheFolder()): SavedCluster | undefined {
  try {
    if (folder === undefined) return undefined;
    makeIfMissing(path.dirname(folder));
    makeIfMissing(folder);
    if (!isOnlyOurs(folder)) return undefined;
    const key = createHash("sha256").update(JSON.stringify([format, ...ingredients]));
    return openIn(folder, `cluster-${key.digest("hex").slice(0, 16)}.tar`);
  } catch {
    return undefined;
  }
}

/** The place for files that can be had again: `$XDG_CACHE_HOME/raceproof`, else `~/.cache/raceproof`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { XDG_CACHE_HOME: cache, HOME: home = homeOfAccount() } = env;
  if (cache !== undefined && path.isAbsolute(cache)) return path.join(cache, "raceproof");
  // A home that is not there (system accounts have such) is not to be made.
  return home !== undefined && path.isAbsolute(home) && existsSync(home)
    ? path.join(home, ".cache", "raceproof")
    : undefined;
}

/** Whether a cluster of any version has been kept. */
export function hasSavedClusters(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(".tar"));
}

function homeOfAccount(): string | undefined {
  try {
    return os.userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** One level only: told to make those above too, Node 20 never returns where the file system refuses (in /proc). */
function makeIfMissing(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
}

/** What others could write to could not be trusted: it becomes the data of a server that runs as us. */
function isOnlyOurs(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

function openIn(folder: string, name: string): SavedCluster {
  const file = path.join(folder, name);
  const found = openIfThere(file);
  if (found !== undefined) {
    const now = new Date();
    utimesSync(file, now, now);
    return {
      descriptor: found,
      found: true,
      close(good) {
        closeSync(found);
        if (!good) rmSync(file, { force: true });
      },
    };
  }
  removeUnused(folder);
  const draft = `${file}.${randomUUID()}.draft`;
  const descriptor = openSync(draft, "wx", 0o600);
  return {
    descriptor,
    found: false,
    close(good) {
      closeSync(descriptor);
      if (good) renameSync(draft, file);
      else rmSync(draft, { force: true });
    },
  };
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch {
    return undefined;
  }
}

/** Clusters of versions that are used no more, and drafts of processes that died while writing. */
function removeUnused(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    const limit = name.endsWith(".draft") ? 3600 * 1000 : unusedMs;
    if (Date.now() - lstatSync(file).mtimeMs > limit) rmSync(file, { force: true });
  }
}
