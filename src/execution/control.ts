import pg from "pg";
import { PostgresError, UsageError } from "../errors.js";
import type { Database } from "../postgres/server.js";
import { runAsNobody } from "../session/context.js";
import { inOneWrite } from "../session/one-write.js";
import type { PgClient } from "../session/pg-types.js";

/** For what must not happen: that somebody has something locked when we reset. */
export const patiently = "set local lock_timeout = 10000;";

/** Opens the connection on which a lane is looked after: it is no actor's, and nothing gates it. */
export async function connectControl(database: Database): Promise<pg.Client> {
  // Who wants to look does not wait for long; {@link patiently} does.
  const control = new pg.Client({ ...database.connection, application_name: "raceproof", lock_timeout: 100 });
  // Its loss shows in the next query; without a listener it would end the process.
  control.on("error", () => undefined);
  await runAsNobody(() => control.connect());
  inOneWrite((control as unknown as PgClient).connection.stream);
  return control;
}

/**
 * Runs SQL that the model has a part in.
 *
 * @param what What it is for, in messages.
 * @throws {UsageError} When Postgres refuses it.
 * @throws {PostgresError} When Postgres went away.
 */
export async function run(client: pg.Client, sql: string, what: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    const { code, message, position } = error as { code?: string; message: string; position?: string };
    if (code === undefined || /^(08|57)/.test(code))
      throw new PostgresError(`Postgres went away during ${what}: ${message}`);
    const near = position === undefined ? "" : `, near: ${sql.slice(Math.max(0, Number(position) - 1)).slice(0, 60)}`;
    throw new UsageError(`Postgres refuses ${what}: ${message} (${code})${near}`);
  }
}
