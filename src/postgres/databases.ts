import { randomBytes } from "node:crypto";

import type { ClientConfig } from "pg";

import { PostgresError, UsageError } from "../errors.js";
import type { Admin } from "./admin.js";
import { asPostgresError, codeOf } from "./connect.js";
import type { Database } from "./server.js";

/** What all our databases are called by, unless a run asks for another prefix. */
export const defaultPrefix = "raceproof";

/** Checks a prefix at the door, since it goes into statements as it is; throws {@link UsageError}. */
export function checkPrefix(prefix: string): string {
  if (/^[a-z][a-z0-9_]{2,29}$/.test(prefix)) return prefix;
  throw new UsageError(
    `The prefix of databases is ${JSON.stringify(prefix)}. Give 3 to 30 of a-z, 0-9 and _, with a letter first.`,
  );
}

/** What the databases of a run are made with. */
export interface DatabaseOptions {
  readonly prefix: string;
  /** What is added to `create database`. */
  readonly createOptions: string;
  /** Whether others use the server too: then our databases are marked as such. */
  readonly shared: boolean;
  /** How to connect to one of them. */
  readonly connection: (database: string) => ClientConfig;
}

/** Makes and drops the databases of one run, `<prefix>_<run id>_<number>`. */
export class Databases {
  readonly #runId = randomBytes(4).toString("hex");
  readonly #admin: Admin;
  readonly #options: DatabaseOptions;
  readonly #live = new Set<string>();
  #count = 0;

  constructor(admin: Admin, options: DatabaseOptions) {
    this.#admin = admin;
    this.#options = options;
  }

  /** Shows to everybody on the server that this run is alive; ends with the admin connection, however that ends. */
  async claim(): Promise<void> {
    await this.#admin.query("select pg_advisory_lock($1, $2)", [lockClass, Number.parseInt(this.#runId, 16) | 0]);
  }

  /** Makes an empty database. */
  async create(): Promise<Database> {
    const { prefix, createOptions, shared, connection } = this.#options;
    const name = `${prefix}_${this.#runId}_${++this.#count}`;
    try {
      // template0 and not template1: it is as Postgres ships it, and nobody can be connected to it, which would forbid the copy.
      await this.#admin.query(`create database ${name} template template0 ${createOptions}`);
      this.#live.add(name);
      if (shared) await this.#admin.query(`comment on database ${name} is '${marker(this.#runId)}'`);
    } catch (error) {
      throw asPostgresError(error, `Cannot create the database ${name}`);
    }
    return { name, connection: connection(name), drop: () => this.#drop(name) };
  }

  /** Drops all that are left. Throws {@link PostgresError} naming those that could not be dropped. */
  async dropAll(): Promise<void> {
    const failures: string[] = [];
    for (const name of this.#live) {
      await this.#drop(name).catch((error: unknown) => failures.push(asPostgresError(error, name).message));
    }
    if (failures.length > 0) throw new PostgresError(`${failures.join(" ")} The next run on this server tries again.`);
  }

  /** Only ever called with what {@link create} made. */
  async #drop(name: string): Promise<void> {
    if (!this.#live.delete(name)) return;
    try {
      await this.#admin.query(`drop database if exists ${name} with (force)`);
    } catch (error) {
      throw asPostgresError(error, `Cannot drop the database ${name}`);
    }
  }
}

/** First key of the advisory locks by which runs show that they are alive ("race" in ASCII); the run id is the second. */
const lockClass = 0x72616365;

function marker(runId: string): string {
  return `made by raceproof in run ${runId}; raceproof drops it`;
}

/** A database that is called like ours. */
export interface Namesake {
  readonly name: string;
  /**
   * `ours`: made by a run that is over. `in use`: its run is alive, or somebody is connected.
   * `unmarked`: nothing proves that raceproof made it, so it is left alone.
   */
  readonly standing: "ours" | "in use" | "unmarked";
}

/**
 * Databases by name, with their comment, and whether they are in use. Advisory locks belong to a database, and the run's
 * admin connection may be in another one than ours, so the lock cannot be tried for; but everybody's locks can be seen.
 */
const namesakesQuery = `
  select datname as name, shobj_description(d.oid, 'pg_database') as comment,
         exists (select from pg_stat_activity a where a.datid = d.oid) as connected,
         array(select objid::int8::text from pg_locks
                where locktype = 'advisory' and classid = $1 and objsubid = 2 and granted) as "livingRuns"
    from pg_database d
   where starts_with(datname, $2)
   order by datname`;

interface NamesakeRow {
  name: string;
  comment: string | null;
  connected: boolean;
  livingRuns: string[];
}

/** Finds all databases that are called like ours, and tells which ones a dead run has left. */
export async function namesakes(admin: Admin, prefix: string): Promise<Namesake[]> {
  const rows = await admin.query<NamesakeRow>(namesakesQuery, [lockClass, `${prefix}_`]);
  return rows.map(({ name, comment, connected, livingRuns }) => {
    const runId = /^_([0-9a-f]{8})_\d+$/.exec(name.slice(prefix.length))?.[1];
    if (runId === undefined || comment !== marker(runId)) return { name, standing: "unmarked" };
    const alive = connected || livingRuns.includes(String(Number.parseInt(runId, 16)));
    return { name, standing: alive ? "in use" : "ours" };
  });
}

/**
 * Drops what runs have left that ended without being able to clean up.
 *
 * @returns the names of the databases that were dropped.
 */
export async function sweepDatabases(admin: Admin, prefix: string): Promise<string[]> {
  const swept: string[] = [];
  for (const { name, standing } of await namesakes(admin, prefix)) {
    if (standing !== "ours") continue;
    try {
      // Without force: should it be in use after all, it stays.
      await admin.query(`drop database if exists ${name}`);
      swept.push(name);
    } catch (error) {
      // Another run sweeps too, or it belongs to another role; neither is a reason not to start. A lost connection is.
      if (codeOf(error).length !== 5) throw error;
    }
  }
  return swept;
}
