import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClientConfig } from "pg";

import { PostgresError } from "../errors.js";
import { Admin } from "./admin.js";
import { oldestMajor, probeVersion, serverEnvironment, type Binaries } from "./binaries.js";
import { openSavedCluster } from "./cluster-cache.js";
import { Databases } from "./databases.js";
import { Guardian } from "./guardian.js";
import { serverAccount, type Account } from "./identity.js";
import { handOver, makeRunDirectory, removeRunDirectory } from "./run-directory.js";
import type { PostgresServer } from "./server.js";
import { askFacts, settingArguments, throwAwaySettings } from "./settings.js";
import { chooseStorage } from "./storage.js";
import { sweepDirectories } from "./sweep.js";

const initdbOptions = [
  "--username=postgres",
  "--auth=trust",
  "--encoding=UTF8",
  "--locale=C",
  "--wal-segsize=1",
  "--no-sync",
  "--no-instructions",
];

/** Noisy machines are slow; that a server does not come up at all shows by its guardian's end, long before. */
const startTimeoutMs = 60_000;

/** Starts a server of our own from binaries, in a directory of its own, for as long as this process lives. */
export async function startCluster(
  kind: "embedded" | "directory",
  binaries: Binaries,
  prefix: string,
): Promise<PostgresServer> {
  const account = serverAccount();
  const swept = sweepDirectories(account);
  const { folder } = chooseStorage(account);
  const run = makeRunDirectory(folder);
  try {
    const installed = await install(binaries, run, account);
    const guardian = await startGuarded(kind, installed, run, account);
    const server = await serve(kind, installed, run, guardian, prefix);
    await swept;
    return server;
  } catch (error) {
    await removeRunDirectory(run);
    throw error;
  }
}

/** Binaries that are known to run, under the account they will run under. */
interface Installed {
  readonly bin: string;
  readonly version: string;
  readonly env: Record<string, string>;
}

async function install(binaries: Binaries, run: string, account: Account | undefined): Promise<Installed> {
  const links = path.join(run, "lib");
  mkdirSync(links);
  for (const { name, file } of binaries.missingLinks) symlinkSync(file, path.join(links, name));
  handOver(run, account);
  const env = serverEnvironment(binaries, links);
  const probe = await probeVersion(binaries, env, account);
  if (!probe.ok) throw new PostgresError(`Cannot run ${path.join(binaries.bin, "postgres")}: ${probe.message}`);
  if (probe.major < oldestMajor) {
    throw new PostgresError(
      `${probe.text} in ${binaries.bin} is too old: raceproof needs Postgres ${oldestMajor} or newer.`,
    );
  }
  return { bin: binaries.bin, version: probe.text, env };
}

async function startGuarded(
  kind: "embedded" | "directory",
  installed: Installed,
  run: string,
  account: Account | undefined,
): Promise<{ guardian: Guardian; admin: Admin }> {
  const source = kind === "embedded" ? `${process.platform}-${process.arch}` : installed.bin;
  const saved = openSavedCluster([source, installed.version, ...initdbOptions]);
  let good = false;
  const guardian = new Guardian({
    run,
    bin: installed.bin,
    env: installed.env,
    account,
    cluster: saved === undefined ? "make" : saved.found ? "restore" : "save",
    saved: saved?.descriptor,
    initdbOptions,
    postgresOptions: settingArguments({
      listen_addresses: "",
      dynamic_shared_memory_type: "mmap",
      ...throwAwaySettings,
    }),
  });
  try {
    const admin = await connectOnceReady(run, guardian);
    good = saved?.found === true || existsSync(path.join(run, "saved"));
    return { guardian, admin };
  } finally {
    saved?.close(good);
  }
}

function connectionIn(run: string, database: string): ClientConfig {
  // Without `ssl` the user's PGSSLMODE would count, and a unix socket has no TLS.
  return { host: run, port: 5432, user: "postgres", database, ssl: false };
}

/** A log line can lie, a connection that works cannot: connects until it succeeds, or until the guardian gives up. */
async function connectOnceReady(run: string, guardian: Guardian): Promise<Admin> {
  let ended: string | undefined;
  void guardian.exited.then((how) => (ended = how));
  const until = Date.now() + startTimeoutMs;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 50)) {
    try {
      return await Admin.connect(connectionIn(run, "postgres"));
    } catch (error) {
      if (ended === undefined && Date.now() < until) {
        await sleep(pauseMs);
        continue;
      }
      const log = lastLines(path.join(run, "log"));
      await guardian.release();
      const what = ended === undefined ? `no connection within ${startTimeoutMs / 1000} s (${String(error)})` : ended;
      throw new PostgresError(`Postgres did not start: ${what}. The end of its log:\n${log}`);
    }
  }
}

async function serve(
  kind: "embedded" | "directory",
  installed: Installed,
  run: string,
  { guardian, admin }: { guardian: Guardian; admin: Admin },
  prefix: string,
): Promise<PostgresServer> {
  const facts = await askFacts(admin);
  const databases = new Databases(admin, prefix, (name) => connectionIn(run, name));
  let stopping = false;
  const died = Promise.race([admin.lost.then(String), guardian.exited]).then(async (how) => {
    if (stopping) return new Promise<never>(() => {});
    const log = lastLines(path.join(run, "log"));
    await guardian.release();
    await removeRunDirectory(run);
    return new PostgresError(`Postgres ended while it was in use (${how}). The end of its log:\n${log}`);
  });
  return {
    kind,
    description:
      kind === "embedded" ? `embedded Postgres ${facts.version}` : `Postgres ${facts.version} from ${installed.bin}`,
    version: facts.version,
    settings: facts.settings,
    superuser: facts.superuser,
    createDatabase: () => databases.create(),
    died,
    async stop() {
      stopping = true;
      await Promise.all([admin.end(), guardian.release()]);
      rmSync(run, { recursive: true, force: true });
    },
  };
}

/** The end of a text file, indented. */
function lastLines(file: string, count = 10): string {
  try {
    return readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .slice(-count)
      .map((line) => `  ${line}`)
      .join("\n");
  } catch {
    return "  (there is none)";
  }
}
