import type { ClientConfig } from "pg";

import { PostgresError, RaceproofError } from "../errors.js";
import { Admin } from "./admin.js";

/** Connects, or throws a {@link PostgresError} that says to what it could not, why, and what to do. */
export async function connectTo(config: ClientConfig, target: string): Promise<Admin> {
  try {
    return await Admin.connect({ connectionTimeoutMillis: 10_000, keepAlive: true, ...config });
  } catch (error) {
    const { why, advice } = explain(error);
    throw new PostgresError(`Cannot connect to ${target}: ${why}. ${advice}`);
  }
}

/** By SQLSTATE, Node's error code, or a piece of the message. */
const advices: readonly (readonly [string | RegExp, string])[] = [
  ["28P01", "Check the user and the password in the url."],
  ["28000", "Check the user in the url, and that the server's pg_hba.conf lets it in from here."],
  ["3D000", "Name a database in the url that exists; raceproof connects to it, and works in databases of its own."],
  ["53300", "The server has no connection to spare; raise max_connections or end other clients."],
  ["57P03", "Wait until the server is up."],
  [/^ECONNREFUSED$/, "Is the server running, and are host and port right?"],
  [/^ENOENT$/, "There is no such socket; is the server running?"],
  [/^(ENOTFOUND|EAI_AGAIN)$/, "Check the host in the url."],
  [/password must be a string/, "The server asks for a password, and the url has none (PGPASSWORD works too)."],
  [/does not support SSL/, "Add sslmode=disable to the url."],
  [/certificate|SSL|TLS/i, "Check sslmode and sslrootcert in the url."],
  [/timeout/i, "Nothing answered; are host and port right, and is there a firewall between?"],
];

function explain(error: unknown): { why: string; advice: string } {
  // A host with several addresses fails with one error for each, and an empty message.
  const cause: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause);
  const found = advices.find(([sign]) =>
    typeof sign === "string" ? sign === code : sign.test(code) || sign.test(why),
  );
  return { why, advice: found?.[1] ?? "Check the url." };
}

/** What a server or the network said to something we asked for, as an error that explains itself; one that does already stays. */
export function asPostgresError(error: unknown, failed: string): RaceproofError {
  if (error instanceof RaceproofError) return error;
  return new PostgresError(`${failed}: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
}

/** The SQLSTATE or the system's error code, or an empty text. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
