import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { version } from "../version.js";
import type { Binaries } from "./binaries.js";
import { joinCluster, startCluster } from "./embedded.js";
import { serverAccount } from "./identity.js";
import { processStart } from "./processes.js";
import { sharedKey } from "./run-directory.js";
import type { PostgresServer } from "./server.js";
import { runDirectories } from "./sweep.js";

/**
 * A server of our own that is shared by all processes of this user that work in the same folder: the first starts it, the
 * others find it, and it ends after the last of them.
 *
 * @throws {PostgresError} When it cannot be started.
 */
export async function sharedCluster(
  kind: "embedded" | "directory",
  binaries: Binaries,
  prefix: string,
): Promise<PostgresServer> {
  const key = JSON.stringify([version, kind, binaries.bin, process.cwd()]);
  for (;;) {
    const found = await find(kind, binaries, prefix, key);
    if (found !== undefined) return found;
    const lock = takeLock(key);
    if (lock === undefined) {
      await sleep(20);
      continue;
    }
    try {
      // Whoever had the lock before us may have started one.
      return (await find(kind, binaries, prefix, key)) ?? (await startCluster(kind, binaries, prefix, key));
    } finally {
      lock.release();
    }
  }
}

async function find(
  kind: "embedded" | "directory",
  binaries: Binaries,
  prefix: string,
  key: string,
): Promise<PostgresServer | undefined> {
  for (const { run, standing } of runDirectories(serverAccount())) {
    if (standing !== "in use" || sharedKey(run) !== key) continue;
    const joined = await joinCluster(kind, binaries, prefix, run);
    if (joined !== undefined) return joined;
  }
  return undefined;
}

/** Lets one process at a time start a server; the lock of one that died is taken away. */
function takeLock(key: string): { release(): void } | undefined {
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 12);
  const file = path.join(os.tmpdir(), `raceproof-start-${process.geteuid?.() ?? 0}-${hash}`);
  const me = `${process.pid} ${processStart(process.pid)}`;
  try {
    writeFileSync(file, me, { flag: "wx", mode: 0o600 });
    return { release: () => rmSync(file, { force: true }) };
  } catch {
    const [pid, started] = holderOf(file);
    if (pid !== undefined && processStart(Number(pid)) !== started) rmSync(file, { force: true });
    return undefined;
  }
}

function holderOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split(" ");
  } catch {
    return [];
  }
}
