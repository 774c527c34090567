import type { Catalog, Relation, Table } from "./catalog.js";
import type { Access, Effects } from "./effects.js";
import type { TableMode } from "./locks.js";
import type { Tree } from "./parse.js";
import type { Rows } from "./values.js";

/** What reading a statement's tree goes by. */
export interface Work {
  readonly catalog: Catalog;
  /** The statement's parameters; undefined where they cannot be known, as in the body of a function. */
  readonly values: readonly unknown[] | undefined;
  /** The session's own tables. */
  readonly temporary: ReadonlySet<string>;
  /** Tables that the transaction may have written before this statement. */
  readonly written: ReadonlySet<string>;
  /** Names that stand for a WITH query here. */
  readonly withQueries: ReadonlySet<string>;
  /** Names of columns that occur anywhere in the statement: what it may read of its tables. */
  readonly names: ReadonlySet<string> | "all";
  /** Functions and cascades that are being looked into, against going round in circles. */
  readonly inside: ReadonlySet<string>;
  readonly effects: Effects;
  /** Goes through any tree. */
  readonly visit: (tree: unknown, work: Work) => void;
  /** Adds what the statements of a text do. */
  readonly run: (text: string, work: Work) => void;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field that is a tree, or an empty one. */
export function field(tree: Tree, name: string): Tree {
  const value = tree[name];
  return isTree(value) ? value : {};
}

/** A field that is a list. */
export function list(tree: Tree, name: string): readonly Tree[] {
  const value = tree[name];
  return Array.isArray(value) ? (value as Tree[]) : [];
}

/** A field that is a text, or an empty one. */
export function text(tree: Tree, name: string): string {
  const value = tree[name];
  return typeof value === "string" ? value : "";
}

/** A tree but for some of its fields. */
export function without(tree: Tree, ...names: readonly string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !names.includes(name)));
}

/** The texts of a list of String nodes. */
export function strings(nodes: readonly Tree[]): string[] {
  return nodes.flatMap((node) => (isTree(node["String"]) ? [text(node["String"], "sval")] : []));
}

export function beOpaque(work: Work, reason: string): void {
  work.effects.opaque ??= reason;
}

/** As {@link beOpaque}, for what may also change tables, functions or triggers. */
export function mayDefine(work: Work, reason: string): void {
  beOpaque(work, reason);
  work.effects.defines = true;
}

/** What a name may stand for; nothing for the session's own tables and for WITH queries. */
export function relationsOf(range: Tree, work: Work): readonly Relation[] {
  const name = text(range, "relname");
  const schema = text(range, "schemaname");
  if (schema === "" && work.withQueries.has(name)) return [];
  const found = (work.catalog.relations.get(name) ?? []).filter(
    (relation) => schema === "" || relation.kind === "table" || relation.name === `${schema}.${name}`,
  );
  const isOwn = schema === "pg_temp" || (schema === "" && work.temporary.has(name));
  if (found.length === 0 && !isOwn) beOpaque(work, `${name} is no table that is known`);
  return found;
}

/** The tables that a statement writes to or locks by this name; opaque if it may stand for anything else. */
export function tablesOf(range: Tree, work: Work): readonly Table[] {
  return relationsOf(range, work).flatMap((relation) => {
    if (relation.kind === "table") return [relation];
    beOpaque(work, `${relation.name} is no plain table`);
    return [];
  });
}

export function lockTable(work: Work, table: Table, mode: TableMode): void {
  if (table.opaque !== undefined) beOpaque(work, table.opaque);
  work.effects.wants.push({ kind: "table", table: table.name, mode });
}

export function read(work: Work, table: Table, rows: Rows): void {
  lockTable(work, table, "ACCESS SHARE");
  work.effects.reads.push({ table: table.name, rows, columns: columnsOf(work, table) });
}

function columnsOf({ names }: Work, table: Table): Access["columns"] {
  return names === "all" ? "all" : new Set([...table.columns.keys()].filter((column) => names.has(column)));
}
