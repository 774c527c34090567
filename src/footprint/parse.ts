import { parsePlPgSQLSync, parseSync } from "libpg-query";

/** A node of Postgres' raw parse tree as JSON; fields that are zero, false or empty are left out. */
export interface Tree {
  readonly [field: string]: unknown;
}

const parsed = new Map<string, readonly Tree[] | undefined>();
const functions = new Map<string, Tree | undefined>();

/** How many texts are kept: programs that write values into their texts would fill the memory otherwise. */
const kept = 10_000;

/** The statements of a text, each as `{ SelectStmt: … }` or the like; undefined if Postgres' grammar does not know it. */
export function statementsOf(text: string): readonly Tree[] | undefined {
  return remembered(parsed, text, () => (parseSync(text).stmts ?? []).map(({ stmt }) => (stmt ?? {}) as Tree));
}

/** The body of a PL/pgSQL function, from its CREATE FUNCTION; undefined if it cannot be parsed. */
export function plpgsqlOf(text: string): Tree | undefined {
  return remembered(functions, text, () => parsePlPgSQLSync(text) as unknown as Tree);
}

function remembered<T>(known: Map<string, T | undefined>, text: string, make: () => T): T | undefined {
  if (!known.has(text)) {
    if (known.size >= kept) known.clear();
    known.set(text, attempt(make));
  }
  return known.get(text);
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
