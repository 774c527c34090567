import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClientConfig } from "pg";

import { PostgresError } from "../errors.js";
import { Admin } from "./admin.js";
import type { Binaries } from "./binaries.js";
import { openSavedCluster, type SavedCluster } from "./cluster-cache.js";
import { Guardian } from "./guardian.js";
import { serverAccount, type Account } from "./identity.js";
import { install, needsCopy, type Installed } from "./install.js";
import { lastWords } from "./last-words.js";
import { Hold } from "./hold.js";
import { makeRunDirectory, markShared, removeRunDirectory } from "./run-directory.js";
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

type OwnKind = "embedded" | "directory";

/**
 * Starts a server of our own from binaries, in a directory of its own, for as long as this process lives.
 *
 * Removes what servers of dead processes have left. Throws {@link PostgresError} where it cannot be started.
 *
 * @param sharedKey Where other processes are to use it, too: what they find it by. It lives as long as any of them.
 */
export async function startCluster(
  kind: OwnKind,
  binaries: Binaries,
  prefix: string,
  sharedKey?: string,
): Promise<PostgresServer> {
  if (process.platform === "win32") {
    throw new PostgresError(
      "A Postgres of our own needs unix sockets and a shell, so there is none on Windows. " +
        "Use --postgres container or --postgres postgres://…, or run in WSL.",
    );
  }
  const account = serverAccount();
  const swept = sweepDirectories(account);
  try {
    return await start({ kind, binaries, prefix, account, sharedKey }, true);
  } catch (error) {
    if (!(error instanceof SavedClusterFailed)) throw error;
    // It has been thrown away; if the trouble lies elsewhere, this says so.
    return await start({ kind, binaries, prefix, account, sharedKey }, false);
  } finally {
    await swept;
  }
}

/** A server did not start from a saved cluster, which may have been damaged. */
class SavedClusterFailed extends PostgresError {}

interface Start {
  readonly kind: OwnKind;
  readonly binaries: Binaries;
  readonly prefix: string;
  readonly account: Account | undefined;
  readonly sharedKey: string | undefined;
}

async function start({ kind, binaries, prefix, account, sharedKey }: Start, saving: boolean): Promise<PostgresServer> {
  const programs = needsCopy(binaries, account) !== undefined;
  const run = makeRunDirectory(chooseStorage({ account, programs }).folder);
  try {
    const installed = await install(binaries, run, account);
    const source = kind === "embedded" ? `${process.platform}-${process.arch}` : installed.origin;
    const saved = saving ? openSavedCluster([source, installed.version, ...initdbOptions]) : undefined;
    const shared = sharedKey !== undefined;
    const { guardian, admin } = await startGuarded({ installed, run, account, saved, shared });
    if (shared) markShared(run, guardian.pid!, sharedKey);
    const hold = shared ? await Hold.of(run) : undefined;
    const server = await serve({
      ...ways(kind, binaries, run),
      admin,
      prefix,
      gone: guardian.exited.then((how) => `its guardian ended with ${how}`),
      lastWords: () => endOfLog(run),
      end: async () => {
        // Others may be using it; after the last of them the guardian clears up.
        if (hold !== undefined) return hold.release();
        await guardian.release();
        await removeRunDirectory(run);
      },
    });
    return { ...server, another: () => startCluster(kind, binaries, prefix) };
  } catch (error) {
    await removeRunDirectory(run);
    throw error;
  }
}

/**
 * Uses a server that another process has started.
 *
 * @returns Undefined when it is just ending.
 */
export async function joinCluster(
  kind: OwnKind,
  binaries: Binaries,
  prefix: string,
  run: string,
): Promise<PostgresServer | undefined> {
  const hold = await Hold.of(run);
  if (hold === undefined) return undefined;
  try {
    const admin = await Admin.connect(connectionIn(run, "postgres"));
    const lastWords = () => endOfLog(run);
    return await serve({ ...ways(kind, binaries, run), admin, prefix, lastWords, end: async () => hold.release() });
  } catch {
    hold.release();
    return undefined;
  }
}

/** What it is called, and how it is reached. */
function ways(kind: OwnKind, binaries: Binaries, run: string) {
  return {
    kind,
    describe: (version: string) =>
      kind === "embedded" ? `embedded Postgres ${version}` : `Postgres ${version} from ${binaries.bin}`,
    connection: (database: string) => connectionIn(run, database),
  };
}

interface Guarded {
  readonly installed: Installed;
  readonly run: string;
  readonly account: Account | undefined;
  readonly saved: SavedCluster | undefined;
  readonly shared: boolean;
}

async function startGuarded({
  installed,
  run,
  account,
  saved,
  shared,
}: Guarded): Promise<{ guardian: Guardian; admin: Admin }> {
  const guardian = new Guardian({
    run,
    bin: installed.bin,
    env: installed.env,
    account,
    cluster: saved === undefined ? "make" : saved.found ? "restore" : "save",
    saved: saved?.descriptor,
    shared,
    initdbOptions,
    postgresOptions: settingArguments(ownSettings),
  });
  try {
    const admin = await connectOnceReady(run, guardian);
    saved?.close(saved.found || existsSync(path.join(run, "saved")));
    return { guardian, admin };
  } catch (error) {
    saved?.close(false);
    throw saved?.found === true && error instanceof Error ? new SavedClusterFailed(error.message) : error;
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
