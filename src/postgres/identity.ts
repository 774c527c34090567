import { readFileSync } from "node:fs";

import { PostgresError } from "../errors.js";

/** An account of this machine. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account Postgres has to run under, or `undefined` where it can run under ours.
 *
 * Postgres refuses root. As root it gets the account `postgres` or else `nobody`; it must be one that passwd knows,
 * since Postgres looks its own name up. Throws {@link PostgresError} where there is neither.
 */
export function serverAccount(passwdFile = "/etc/passwd"): Account | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const accounts = readAccounts(passwdFile);
  const account = accounts.find(({ name }) => name === "postgres") ?? accounts.find(({ name }) => name === "nobody");
  if (account !== undefined) return account;
  throw new PostgresError(
    `Postgres refuses to run as root, and ${passwdFile} has neither an account "postgres" nor "nobody" to run it under. ` +
      "Add one (useradd --system postgres), or run raceproof as an ordinary user.",
  );
}

function readAccounts(passwdFile: string): Account[] {
  let text: string;
  try {
    text = readFileSync(passwdFile, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => /^\d+$/.test(fields[2] ?? "") && /^\d+$/.test(fields[3] ?? ""))
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid !== 0);
}
