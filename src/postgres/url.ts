import pg from "pg";
import type { ClientConfig } from "pg";

import { PostgresError, UsageError } from "../errors.js";
import type { Admin } from "./admin.js";
import { asPostgresError, connectTo } from "./connect.js";
import { sweepDatabases } from "./databases.js";
import { serve } from "./serve.js";
import type { PostgresServer } from "./server.js";

/** A Postgres that somebody else runs. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** For people: where it is, without credentials. */
  readonly where: string;
  /** How to connect to a database of it; without a name to the one that the url names. */
  connection(database?: string): ClientConfig;
}

/** Reads a url as `pg` does; throws {@link UsageError}, without repeating what may hold a password. */
export function readUrl(url: string): Target {
  try {
    const { host, port, database, user } = new pg.Client({ connectionString: url });
    const name = database ?? user ?? "postgres";
    return {
      host,
      port,
      database: name,
      user: user ?? "",
      where: host.startsWith("/") ? `${host}/.s.PGSQL.${port}, database ${name}` : `${host}:${port}/${name}`,
      connection: (database = name) => ({ connectionString: withDatabase(url, database), database }),
    };
  } catch (error) {
    throw new UsageError(
      `The url of Postgres cannot be read (${withoutUrl(error, url)}). Give postgres://USER:PASSWORD@HOST:PORT/DATABASE; ` +
        "what is special in a url has to be written with %, e.g. %40 for @.",
    );
  }
}

/** Puts another database into a url, whose other parts stay letter by letter: `pg` accepts more than the URL standard does. */
function withDatabase(url: string, database: string): string {
  const [, start, , query] = /^([^:]+:\/\/[^/?]*)(\/[^?]*)?(\?.*)?$/s.exec(url) ?? [];
  if (start === undefined) throw new Error("no host and database in it");
  return `${start}/${database}${query ?? ""}`;
}

function withoutUrl(error: unknown, url: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(url, "…");
}

/**
 * Connects to a Postgres that somebody else runs, to make databases of our own there and to touch no other.
 *
 * Drops what dead runs have left. Throws {@link PostgresError} where it cannot be reached or does not let us create databases.
 */
export async function openUrl(url: string, prefix: string): Promise<PostgresServer> {
  const target = readUrl(url);
  // Must not be found out only when a database is needed, hence before anything else.
  target.connection();
  const admin = await connectTo(target.connection(), target.where);
  try {
    await prepare(admin, target);
    await sweepDatabases(admin, prefix);
    return await serve({
      kind: "url",
      admin,
      prefix,
      describe: (version) => `Postgres ${version} at ${target.where}`,
      connection: (database) => target.connection(database),
      end: async () => {},
    });
  } catch (error) {
    await admin.end();
    throw asPostgresError(error, `Cannot use ${target.where}`);
  }
}

async function prepare(admin: Admin, { where }: Target): Promise<void> {
  // The admin connection is idle for long stretches, and may have to wait for a checkpoint.
  await admin.query(
    "select set_config(name, '0', false) from pg_settings where name in ('idle_session_timeout', 'statement_timeout', 'lock_timeout')",
  );
  const [rights] = await admin.query<{ role: string; may: boolean; standby: boolean }>(
    "select rolname as role, rolsuper or rolcreatedb as may, pg_is_in_recovery() as standby from pg_roles where rolname = current_user",
  );
  if (rights === undefined) throw new PostgresError(`${where} does not say who we are: pg_roles lacks our role.`);
  if (rights.standby)
    throw new PostgresError(`${where} is a standby, where nothing can be written. Give the url of the primary.`);
  if (rights.may) return;
  throw new PostgresError(
    `The role "${rights.role}" may not create databases at ${where}, and raceproof works only in databases of its own. ` +
      `Let a superuser run: alter role "${rights.role}" createdb`,
  );
}
