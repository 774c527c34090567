import type { ClientConfig } from "pg";

import { PostgresError } from "../errors.js";
import type { Admin } from "./admin.js";
import { oldestMajor } from "./binaries.js";
import { asPostgresError } from "./connect.js";
import { Databases } from "./databases.js";
import type { PostgresServer, ServerKind } from "./server.js";
import { askFacts } from "./settings.js";

/** A server that is up, and what is peculiar to how it was come by. */
export interface Running {
  readonly kind: ServerKind;
  readonly admin: Admin;
  readonly prefix: string;
  /** For people, e.g. `embedded Postgres 18.4`, without credentials. */
  describe(version: string): string;
  /** How to connect to a database. */
  connection(database: string): ClientConfig;
  /** Settles, with the reason, when the server is known to be gone by other signs than the loss of the admin connection. */
  readonly gone?: Promise<string>;
  /** Reads what there is to be learned from a server that has ended by itself; an empty text where there is nothing. */
  lastWords?(): string;
  /** Ends the server, where it is ours, and removes what it had. Safe to call twice. */
  end(): Promise<void>;
}

/** Makes a {@link PostgresServer} of a server that runs. When that fails it is ended. */
export async function serve(running: Running): Promise<PostgresServer> {
  try {
    return await served(running);
  } catch (error) {
    await running.admin.end();
    await running.end();
    throw asPostgresError(error, "Cannot use the server");
  }
}

async function served(running: Running): Promise<PostgresServer> {
  const { kind, admin, prefix } = running;
  const shared = kind === "url";
  const facts = await askFacts(admin);
  const description = running.describe(facts.version);
  if (facts.major < oldestMajor) {
    throw new PostgresError(`${description} is too old: raceproof needs Postgres ${oldestMajor} or newer.`);
  }
  // Where nothing is synced to a disk, copying files is twice as fast as writing them to the log, in spite of its two
  // checkpoints. Where others work too, those would be a nuisance. Before 15 there was no other way.
  const createOptions = !shared && facts.major >= 15 ? "strategy file_copy" : "";
  const connection = (database: string): ClientConfig => running.connection(database);
  const databases = new Databases(admin, { prefix, createOptions, shared, connection });
  if (shared) await databases.claim();
  const state: State = { stopping: undefined, gone: false };
  return {
    kind,
    description,
    version: facts.version,
    settings: facts.settings,
    superuser: facts.superuser,
    createDatabase: () => databases.create(),
    died: watch(running, description, state),
    stop: () => (state.stopping ??= stop(running, shared && !state.gone ? databases : undefined)),
  };
}

interface State {
  /** Set once we were told to stop. */
  stopping: Promise<void> | undefined;
  /** Whether the server went away before that. */
  gone: boolean;
}

async function watch(running: Running, description: string, state: State): Promise<PostgresError> {
  const lost = running.admin.lost.then((error) => error.message);
  const reason = await (running.gone === undefined ? lost : Promise.race([lost, running.gone]));
  // Told to: then this promise never settles.
  if (state.stopping !== undefined) return new Promise(() => {});
  state.gone = true;
  const lastWords = running.lastWords?.() ?? "";
  await running.end().catch(() => {});
  return new PostgresError(`${description} ended while it was in use: ${reason}.${lastWords}`);
}

/** Databases are dropped one by one only where the server outlives them. */
async function stop(running: Running, databases: Databases | undefined): Promise<void> {
  try {
    await databases?.dropAll();
  } finally {
    await running.admin.end();
    await running.end();
  }
}
