import { parsePlPgSQLSync, parseSync } from "libpg-query";
import { memo } from "../memo.js";

/** A node of Postgres' raw parse tree as JSON; fields that are zero, false or empty are left out. */
export interface Tree {
  readonly [field: string]: unknown;
}

/** The statements of a text, each as `{ SelectStmt: … }` or the like; undefined if Postgres' grammar does not know it. */
export const statementsOf: (text: string) => readonly Tree[] | undefined = memo((text) =>
  attempt(() => (parseSync(text).stmts ?? []).map(({ stmt }) => (stmt ?? {}) as Tree)),
);

/** The body of a PL/pgSQL function, from its CREATE FUNCTION; undefined if it cannot be parsed. */
export const plpgsqlOf: (text: string) => Tree | undefined = memo((text) =>
  attempt(() => parsePlPgSQLSync(text) as unknown as Tree),
);

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
