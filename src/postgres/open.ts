import { directoryBinaries, embeddedBinaries } from "./binaries.js";
import { sharedCluster } from "./shared.js";
import { startContainer } from "./container.js";
import { checkPrefix, defaultPrefix } from "./databases.js";
import { startCluster } from "./embedded.js";
import type { PostgresServer } from "./server.js";
import { parseSpec, wishFor, type Spec } from "./spec.js";
import { openUrl } from "./url.js";

/** What can be asked of a server beyond its spec. */
export interface OpenOptions {
  /** What the names of its databases begin with; `raceproof` unless told otherwise. */
  readonly prefix?: string;
}

/**
 * Opens the Postgres that is asked for: `embedded`, `container[:IMAGE]`, a `postgres://` url, or the path of a directory
 * with `initdb` and `postgres`. Without a spec the environment variable RACEPROOF_POSTGRES counts, and then `embedded`.
 *
 * Throws `UsageError` for a spec that cannot be understood, `PostgresError` where Postgres cannot be started or reached.
 */
export async function openServer(spec?: string, options: OpenOptions = {}): Promise<PostgresServer> {
  return open(parseSpec(wishFor(spec)), checkPrefix(options.prefix ?? defaultPrefix));
}

const shared = new Map<string, Promise<PostgresServer>>();

/**
 * The same for tests, which run in many files and processes: a server of our own is one for all of them that work in the
 * same folder, started by the first and ended after the last. Nobody has to stop it; this process uses it until it ends.
 * A container is one for each process.
 */
export function sharedServer(spec?: string): Promise<PostgresServer> {
  const wish = parseSpec(wishFor(spec));
  const key = JSON.stringify(wish);
  const server = shared.get(key) ?? openShared(wish);
  shared.set(key, server);
  // One that could not be opened, or that went away, is no server for the next test.
  const forget = () => shared.delete(key);
  server.then(({ died }) => died.then(forget), forget);
  return server;
}

function openShared(spec: Spec): Promise<PostgresServer> {
  if (spec.kind === "embedded") return sharedCluster("embedded", embeddedBinaries(), defaultPrefix);
  if (spec.kind === "directory") return sharedCluster("directory", directoryBinaries(spec.bin), defaultPrefix);
  return open(spec, defaultPrefix);
}

/** The same as {@link openServer}, for a spec that has been read already. */
export async function open(spec: Spec, prefix: string): Promise<PostgresServer> {
  if (spec.kind === "embedded") return startCluster("embedded", embeddedBinaries(), prefix);
  if (spec.kind === "directory") return startCluster("directory", directoryBinaries(spec.bin), prefix);
  if (spec.kind === "container") return startContainer(spec.image, prefix);
  return openUrl(spec.url, prefix);
}
