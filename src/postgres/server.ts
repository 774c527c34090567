import type { ClientConfig } from "pg";

import type { PostgresError } from "../errors.js";

/** How the server was come by. */
export type ServerKind = "embedded" | "directory" | "container" | "url";

/**
 * A running Postgres and the right to make databases in it.
 *
 * Whoever opened it stops it. What it does not survive: its owner's death. An embedded server ends within seconds of
 * the process that started it, however that process ended, and its directory is removed.
 */
export interface PostgresServer {
  readonly kind: ServerKind;
  /** For people: where it came from, without credentials. */
  readonly description: string;
  /** `server_version`, e.g. `18.4`. */
  readonly version: string;
  /** Settings that were made to differ from what Postgres ships with; they belong into every report. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether our role is a superuser: without it lock waits are polled for, and `deadlock_timeout` stays as it is. */
  readonly superuser: boolean;
  /** Creates an empty database with our own prefix; about 10 ms, one after the other. Throws {@link PostgresError}. */
  createDatabase(): Promise<Database>;
  /**
   * Starts another server of the same kind, for transactions that must have nothing to do with those here. Only where
   * servers are started by us; it has to be stopped by itself.
   */
  another?(): Promise<PostgresServer>;
  /** Settles once the server is gone without having been told to; never rejects. */
  readonly died: Promise<PostgresError>;
  /**
   * Drops what was created and, where we started the server, ends it; settles once nothing is left of either. Safe to call
   * twice, and after it died. Throws {@link PostgresError} where a database on somebody else's server could not be dropped.
   */
  stop(): Promise<void>;
}

/** The same as a url, for tools that are told where to go. */
export function urlOf({ host, port, user, password, database, connectionString }: ClientConfig): string {
  if (connectionString !== undefined) return connectionString;
  const secret = typeof password === "string" ? `:${encodeURIComponent(password)}` : "";
  const role = `${encodeURIComponent(user ?? "postgres")}${secret}`;
  // A socket's folder is no host name, so it stands behind.
  return host?.startsWith("/") === true
    ? `postgres://${role}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
    : `postgres://${role}@${host ?? "localhost"}:${port ?? 5432}/${database}`;
}

/** One disposable database. */
export interface Database {
  readonly name: string;
  /** What `pg.Client` needs to connect. May hold a password: not for printing. */
  readonly connection: ClientConfig;
  /** Drops it, ending whatever is still connected. */
  drop(): Promise<void>;
}
