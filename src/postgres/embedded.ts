import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClientConfig } from "pg";

import { PostgresError } from "../errors.js";
import { Admin } from "./admin.js";
import type { Binaries } from "./binaries.js";
import { openSavedCluster } from "./cluster-cache.js";
import { Guardian } from "./guardian.js";
import { serverAccount, type Account } from "./identity.js";
import { install, needsCopy, type Installed } from "./install.js";
import { lastWords } from "./last-words.js";
import { makeRunDirectory, removeRunDirectory } from "./run-directory.js";
import { serve } from "./serve.js";
import type { PostgresServer } from "./server.js";
import { settingArguments, throwAwaySettings } from "./settings.js";
import { chooseStorage } from "./storage.js";
import { sweepDirectories } from "./sweep.js";

/** The same everywhere, whatever the machine's language; small pieces of log, since it is kept in memory. */
const initdbOptions = [
  "--username=postgres",
  "--auth=trust",
  "--encoding=UTF8",
  "--locale=C",
  "--wal-segsize=1",
  "--no-sync",
  "--no-instructions",
];

/** What holds for a server that only we can reach, by a socket in a directory that is closed to others. */
const ownSettings = {
  listen_addresses: "",
  // In its own directory: what it kept in /dev/shm would outlive a kill -9.
  dynamic_shared_memory_type: "mmap",
  ...throwAwaySettings,
};

/** Noisy machines are slow; that a server does not come up at all shows by its guardian's end, long before. */
const startTimeoutMs = 60_000;

/**
 * Starts a server of our own from binaries, in a directory of its own, for as long as this process lives.
 *
 * Removes what servers of dead processes have left. Throws {@link PostgresError} where it cannot be started.
 */
export async function startCluster(
  kind: "embedded" | "directory",
  binaries: Binaries,
  prefix: string,
): Promise<PostgresServer> {
  const account = serverAccount();
  const swept = sweepDirectories(account);
  const programs = needsCopy(binaries, account) !== undefined;
  const run = makeRunDirectory(chooseStorage({ account, programs }).folder);
  try {
    const installed = await install(binaries, run, account);
    const { guardian, admin } = await startGuarded(kind, installed, run, account);
    return await serve({
      kind,
      admin,
      prefix,
      describe: (version) => describe(kind, version, binaries),
      connection: (database) => connectionIn(run, database),
      gone: guardian.exited.then((how) => `its guardian ended with ${how}`),
      lastWords: () => endOfLog(run),
      end: async () => {
        await guardian.release();
        await removeRunDirectory(run);
      },
    });
  } catch (error) {
    await removeRunDirectory(run);
    throw error;
  } finally {
    await swept;
  }
}

function describe(kind: "embedded" | "directory", version: string, binaries: Binaries): string {
  return kind === "embedded" ? `embedded Postgres ${version}` : `Postgres ${version} from ${binaries.bin}`;
}

async function startGuarded(
  kind: "embedded" | "directory",
  installed: Installed,
  run: string,
  account: Account | undefined,
): Promise<{ guardian: Guardian; admin: Admin }> {
  const source = kind === "embedded" ? `${process.platform}-${process.arch}` : installed.origin;
  const saved = openSavedCluster([source, installed.version, ...initdbOptions]);
  let good = false;
  try {
    const guardian = new Guardian({
      run,
      bin: installed.bin,
      env: installed.env,
      account,
      cluster: saved === undefined ? "make" : saved.found ? "restore" : "save",
      saved: saved?.descriptor,
      initdbOptions,
      postgresOptions: settingArguments(ownSettings),
    });
    const admin = await connectOnceReady(run, guardian);
    good = saved?.found === true || existsSync(path.join(run, "saved"));
    return { guardian, admin };
  } finally {
    // A saved cluster that does not start is thrown away, so the next start makes a new one.
    saved?.close(good);
  }
}

function connectionIn(run: string, database: string): ClientConfig {
  // Without `ssl` the user's PGSSLMODE would count, and a unix socket has no TLS.
  return { host: run, port: 5432, user: "postgres", database, ssl: false };
}

/** A log line can lie, a connection that works cannot: connects until it succeeds, or until the guardian gives up. */
async function connectOnceReady(run: string, guardian: Guardian): Promise<Admin> {
  const state = { ended: undefined as string | undefined };
  void guardian.exited.then((how) => (state.ended = how));
  const until = Date.now() + startTimeoutMs;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 50)) {
    try {
      return await Admin.connect(connectionIn(run, "postgres"));
    } catch (error) {
      if (state.ended === undefined && Date.now() < until) {
        await sleep(pauseMs);
        continue;
      }
      const log = endOfLog(run);
      await guardian.release();
      const why = state.ended ?? `no connection within ${startTimeoutMs / 1000} s, the last attempt: ${String(error)}`;
      throw new PostgresError(`Postgres did not start: ${why}.${log}`);
    }
  }
}

function endOfLog(run: string): string {
  try {
    return lastWords(readFileSync(path.join(run, "log"), "utf8"));
  } catch {
    return "";
  }
}
