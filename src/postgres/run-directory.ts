import { chmodSync, chownSync, lstatSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Account } from "./identity.js";
import { describeProcess, pidNamespace, processStart } from "./processes.js";

/** What the directories of our servers are called by. */
export const directoryPrefix = "raceproof-";

const markerName = "owner.json";
/** In the directory of a server that is shared: as long as this process lives, somebody uses it. */
const sharedName = "shared.json";

/** Who made a directory; kept in it, so that what a dead owner left can be told from what a living one uses. */
interface Owner {
  readonly pid: number;
  readonly uid: number;
  readonly started: string;
  readonly pidNamespace: string;
}

/** Makes a directory for a server, closed to everybody else (mode 0700), and marks it as ours. */
export function makeRunDirectory(folder: string): string {
  const run = mkdtempSync(path.join(folder, directoryPrefix));
  writeFileSync(path.join(run, markerName), JSON.stringify(ownerOf(process.pid)));
  return run;
}

function ownerOf(pid: number): Owner {
  return {
    pid,
    uid: process.geteuid?.() ?? 0,
    started: processStart(pid) ?? "",
    pidNamespace: pidNamespace(),
  };
}

/**
 * Marks a server as shared: its guardian owns it from now on.
 *
 * @param key What those have in common that may use it.
 */
export function markShared(run: string, guardian: number, key: string): void {
  // Exclusively: the directory belongs to the account that runs the server, and may hold a link by this name.
  writeFileSync(path.join(run, sharedName), JSON.stringify({ ...ownerOf(guardian), key }), { flag: "wx", mode: 0o600 });
}

/** The key of a shared server; undefined for one that is not. */
export function sharedKey(run: string): string | undefined {
  return readJson(path.join(run, sharedName))?.key;
}

/**
 * Gives a directory to the account that runs the server, and closes it to all others. To be done once everything of ours
 * is in it: root had better not write where an ordinary account can.
 */
export function handOver(directory: string, account: Account | undefined): void {
  chmodSync(directory, 0o700);
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
}

/** What can be said of a directory that is called like ours. */
export type Standing = "in use" | "left over" | "not ours to judge";

/** A directory without a marker may be in the making; after this time it is not. */
const makingMs = 60_000;

/**
 * Tells whether the owner of a directory is still alive.
 *
 * Not ours to judge is what another user made, and what was made where pids mean something else (in another container):
 * there a living owner would look like a dead one.
 */
export function standing(run: string, account: Account | undefined): Standing {
  const me = process.geteuid?.() ?? 0;
  try {
    const stat = lstatSync(run);
    if (!stat.isDirectory() || (stat.uid !== me && stat.uid !== account?.uid)) return "not ours to judge";
    const owner = readOwner(run);
    // The marker is the first thing in it: what has none, and is not empty, is somebody's whose name for it begins like ours.
    if (owner === undefined && readdirSync(run).length > 0) return "not ours to judge";
    if (owner === undefined) return Date.now() - stat.mtimeMs > makingMs ? "left over" : "in use";
    if (owner.uid !== me || owner.pidNamespace !== pidNamespace()) return "not ours to judge";
    return processStart(owner.pid) === owner.started ? "in use" : "left over";
  } catch {
    // Gone meanwhile, most likely: others sweep too.
    return "not ours to judge";
  }
}

function readOwner(run: string): Owner | undefined {
  return readJson(path.join(run, sharedName)) ?? readJson(path.join(run, markerName));
}

function readJson(file: string): (Owner & { readonly key?: string }) | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

/** Ends a server whose guardian is gone, where one is still running, and removes its directory. */
export async function removeRunDirectory(run: string): Promise<void> {
  await endServerOf(run);
  await rm(run, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

async function endServerOf(run: string): Promise<void> {
  const pid = serverPid(run);
  if (pid === undefined) return;
  const started = processStart(pid);
  for (const [signal, patienceMs] of [
    ["SIGQUIT", 6000],
    ["SIGKILL", 2000],
  ] as const) {
    if (!endSignal(pid, signal)) return;
    for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(10)) {
      if (started === undefined || processStart(pid) !== started) return;
    }
  }
}

/**
 * The pid of the server that runs in a directory.
 *
 * The file alone is not believed: it may be old, or written by somebody who wants to have a process killed. The process
 * must be the directory's owner's and must have been called with this directory.
 */
function serverPid(run: string): number | undefined {
  try {
    const pid = Number(readFileSync(path.join(run, "data", "postmaster.pid"), "utf8").split("\n")[0]);
    if (!Number.isInteger(pid) || pid <= 1) return undefined;
    const running = describeProcess(pid);
    return running?.uid === lstatSync(run).uid && running.command.includes(path.join(run, "data")) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function endSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
