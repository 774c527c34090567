import { accessSync, constants, existsSync, realpathSync, statfsSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { PostgresError } from "../errors.js";
import type { Account } from "./identity.js";

/** A folder in which the directory of a server can be made. */
export interface Storage {
  readonly folder: string;
  /** Whether it is kept in memory. */
  readonly memory: boolean;
  readonly freeBytes: number;
  /** Why better-liked folders were passed over, for people. */
  readonly passedOver: readonly string[];
}

const mebibyte = 2 ** 20;
/** With this much free space a folder is taken without looking further. */
const plenty = 512 * mebibyte;
/** An empty cluster has 30 MB, its write-ahead log up to 64, and each database 7 more. */
const leastBytes = 192 * mebibyte;

/** `sun_path` has 108 bytes on Linux and 104 elsewhere, with a zero at the end. */
const longestSocketPath = process.platform === "linux" ? 107 : 103;
const socketTail = "/raceproof-XXXXXX/.s.PGSQL.5432";

/** Type numbers of statfs(2) for tmpfs and ramfs. */
const memoryTypes = new Set([0x01021994, 0x858458f6]);

/** Where servers' directories may be, the best first; also where leftovers of dead ones are looked for. */
export function storageFolders(): string[] {
  const folders = process.platform === "linux" ? ["/dev/shm", os.tmpdir(), "/tmp"] : [os.tmpdir(), "/tmp"];
  return [...new Set(folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder)))];
}

/**
 * Chooses the folder for a server's directory: in memory where there is some, else the temporary folder.
 *
 * A folder is passed over when the socket's path would be too long in it, when we may not write to it, when the account
 * that runs the server could not reach it, or when it is nearly full. Throws {@link PostgresError} where none is left.
 */
export function chooseStorage(account: Account | undefined, folders: readonly string[] = storageFolders()): Storage {
  const passedOver: string[] = [];
  const usable: Storage[] = [];
  for (const folder of folders) {
    const obstacle = obstacleIn(folder, account);
    if (obstacle === undefined) usable.push({ folder, ...space(folder), passedOver });
    else passedOver.push(`${folder} ${obstacle}`);
  }
  const roomy = usable.find(({ freeBytes }) => freeBytes >= plenty);
  const chosen = roomy ?? usable.toSorted((a, b) => b.freeBytes - a.freeBytes)[0];
  for (const storage of usable.slice(0, chosen === undefined ? 0 : usable.indexOf(chosen))) {
    passedOver.push(`${storage.folder} has only ${inMegabytes(storage.freeBytes)} free`);
  }
  if (chosen !== undefined && chosen.freeBytes >= leastBytes) return chosen;
  if (chosen !== undefined) passedOver.push(`${chosen.folder} has only ${inMegabytes(chosen.freeBytes)} free`);
  throw new PostgresError(
    `There is no folder to keep the server's data in: ${passedOver.join("; ")}. ` +
      `Set TMPDIR to a folder with a short path and ${inMegabytes(plenty)} free space.`,
  );
}

/** For people: bytes in MB (2^20 bytes). */
export function inMegabytes(bytes: number): string {
  return `${Math.floor(bytes / mebibyte)} MB`;
}

function space(folder: string): { freeBytes: number; memory: boolean } {
  const { bavail, bsize, type } = statfsSync(folder);
  return { freeBytes: bavail * bsize, memory: process.platform === "linux" && memoryTypes.has(type) };
}

function obstacleIn(folder: string, account: Account | undefined): string | undefined {
  const bytes = Buffer.byteLength(folder + socketTail);
  if (bytes > longestSocketPath) {
    return `is too long a path: a unix socket's may have ${longestSocketPath} bytes, and in there it would have ${bytes}`;
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return "is not writable";
  }
  const closed = account === undefined ? undefined : closedTo(account, folder);
  return closed === undefined
    ? undefined
    : `cannot be reached by the account ${account!.name} (${closed} is closed to it)`;
}

/** The first folder on the way to `target` (itself included) that `account` may not pass through. */
function closedTo(account: Account, target: string): string | undefined {
  const parent = path.dirname(target);
  const above = parent === target ? undefined : closedTo(account, parent);
  if (above !== undefined) return above;
  const { mode, uid, gid } = statSync(target);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & bit) === 0 ? target : undefined;
}
