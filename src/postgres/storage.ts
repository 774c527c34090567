import { accessSync, constants, existsSync, readFileSync, realpathSync, statfsSync, statSync } from "node:fs";
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

/** What a folder has to be good for. */
export interface StorageNeeds {
  /** The account that runs the server, where it is not ours. */
  readonly account?: Account | undefined;
  /** Whether programs have to be run from it. */
  readonly programs?: boolean;
  /** The folders to choose from, the best first. */
  readonly folders?: readonly string[];
}

/**
 * Chooses the folder for a server's directory: in memory where there is some, else the temporary folder.
 *
 * A folder is passed over when the socket's path would be too long in it, when we may not write to it, when the account
 * that runs the server could not reach it, or when it is nearly full. Throws {@link PostgresError} where none is left.
 */
export function chooseStorage(needs: StorageNeeds): Storage {
  const passedOver: string[] = [];
  const usable: Storage[] = [];
  for (const folder of needs.folders ?? storageFolders()) {
    const obstacle = obstacleIn(folder, needs);
    if (obstacle === undefined) usable.push({ folder, ...space(folder), passedOver });
    else passedOver.push(`${folder} ${obstacle}`);
  }
  const roomiest = usable.toSorted((a, b) => b.freeBytes - a.freeBytes)[0];
  const chosen = usable.find(({ freeBytes }) => freeBytes >= plenty) ?? roomiest;
  const enough = chosen !== undefined && chosen.freeBytes >= leastBytes;
  for (const { folder, freeBytes } of usable.slice(0, enough ? usable.indexOf(chosen) : usable.length)) {
    passedOver.push(`${folder} has only ${inMegabytes(freeBytes)} free`);
  }
  if (enough) return chosen;
  throw new PostgresError(
    `There is no folder to keep the server's data in: ${passedOver.join("; ")}. ` +
      `Set TMPDIR to a folder with a short path and ${inMegabytes(plenty)} of free space.`,
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

function obstacleIn(folder: string, { account, programs }: StorageNeeds): string | undefined {
  const bytes = Buffer.byteLength(folder + socketTail);
  if (bytes > longestSocketPath) {
    return `is too long a path: a unix socket's may have ${longestSocketPath} bytes, and in there it would have ${bytes}`;
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return "is not writable";
  }
  if (programs === true && forbidsPrograms(folder)) return "is mounted noexec, and Postgres has to be copied there";
  const closed = account === undefined ? undefined : closedTo(account, folder);
  return closed === undefined
    ? undefined
    : `cannot be reached by the account ${account!.name}: ${closed} is closed to it`;
}

/**
 * The first thing on the way to `target` (itself included) that `account` may not pass through, by the permission bits:
 * they are the usual obstacle, and others show when it comes to running something.
 */
export function closedTo(account: Account, target: string): string | undefined {
  const parent = path.dirname(target);
  const above = parent === target ? undefined : closedTo(account, parent);
  if (above !== undefined) return above;
  const { mode, uid, gid } = statSync(target);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & bit) === 0 ? target : undefined;
}

/** Container engines mount /dev/shm like this. */
function forbidsPrograms(folder: string): boolean {
  let mounts: string;
  try {
    mounts = readFileSync("/proc/self/mounts", "utf8");
  } catch {
    return false;
  }
  const holding = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point]) => point !== undefined && isWithin(folder, point.replaceAll("\\040", " ")))
    // The deepest one counts, and of several on one point the last one.
    .reduce<string[] | undefined>(
      (best, mount) => (mount[1]!.length >= (best?.[1]!.length ?? 0) ? mount : best),
      undefined,
    );
  return holding?.[3]?.split(",").includes("noexec") ?? false;
}

function isWithin(folder: string, ancestor: string): boolean {
  return folder === ancestor || folder.startsWith(ancestor.endsWith("/") ? ancestor : `${ancestor}/`);
}
