import { embeddedBinaries } from "./binaries.js";
import { defaultPrefix } from "./databases.js";
import { startCluster } from "./embedded.js";
import type { PostgresServer } from "./server.js";

/** What can be asked of a server beyond its spec. */
export interface OpenOptions {
  /** What the databases' names begin with; `raceproof` unless told otherwise. */
  readonly prefix?: string;
}

export async function openServer(_spec: string | undefined, options: OpenOptions = {}): Promise<PostgresServer> {
  return startCluster("embedded", embeddedBinaries(), options.prefix ?? defaultPrefix);
}
