import type { Catalog, Table } from "./catalog.js";
import type { Effects } from "./effects.js";
import { rowStrengths, type Lock, type RowLock } from "./locks.js";
import type { Tree } from "./parse.js";
import type { Rows } from "./values.js";
import { field, isTree, list, text } from "./work.js";

/** What the number of rows in a statement's answer proves. */
export interface Proof {
  /** Nothing was written, no row locked, and no key put anywhere. */
  readonly missed: boolean;
  /** Locks on single rows that it certainly has now. */
  readonly sure: readonly RowLock[];
}

const nothing: Proof = { missed: false, sure: [] };

/**
 * What an answer proves about a plain UPDATE, DELETE or locking SELECT of one table: no rows, no locks; a row with a
 * unique key, a lock on that row.
 *
 * @param rowCount As the driver reports it.
 */
export function proofOf(
  statement: Tree,
  effects: Effects,
  rowCount: number | null | undefined,
  waited: boolean,
  catalog: Catalog,
): Proof {
  if (effects.opaque !== undefined || effects.calls) return nothing;
  const table = onlyTable(statement, catalog);
  const target = effects.wants.find((lock) => lock.kind === "row");
  if (insertsNothing(statement, catalog)) return { missed: rowCount === 0, sure: [] };
  if (table === undefined || target?.table !== table.name) return nothing;
  // Who waited may have locked a row that then turned out not to be meant; who skips rows has seen that they are locked.
  if (rowCount === 0) return { missed: !waited && !effects.probes, sure: [] };
  const isOne =
    typeof rowCount === "number" &&
    table.uniques.some((unique) => !unique.anyColumn && pins(target.rows, unique.columns));
  return { missed: false, sure: isOne ? [target] : [] };
}

/** Whether each of the columns has one value in these rows. */
export function pins(rows: Rows, columns: readonly string[]): boolean {
  return columns.length > 0 && columns.every((column) => rows.get(column)?.length === 1);
}

/** The table of a statement that locks rows of no other one by itself, and runs no triggers. */
function onlyTable(statement: Tree, catalog: Catalog): Table | undefined {
  const tables = known.get(catalog) ?? new WeakMap<Tree, { readonly table: Table | undefined }>();
  known.set(catalog, tables);
  const found = tables.get(statement) ?? { table: findOnlyTable(statement, catalog) };
  tables.set(statement, found);
  return found.table;
}

/** To go through a tree takes long, and the same few are gone through again and again. */
const known = new WeakMap<Catalog, WeakMap<Tree, { readonly table: Table | undefined }>>();

function findOnlyTable(statement: Tree, catalog: Catalog): Table | undefined {
  const [kind = ""] = Object.keys(statement);
  const node = field(statement, kind);
  const isSelect = kind === "SelectStmt" && list(node, "fromClause").length === 1;
  if (!isSelect && kind !== "UpdateStmt" && kind !== "DeleteStmt") return undefined;
  if (node["withClause"] !== undefined || occurrences(node, "lockingClause") !== (isSelect ? 1 : 0)) return undefined;
  const range = isSelect ? field(list(node, "fromClause")[0]!, "RangeVar") : field(node, "relation");
  const found = catalog.relations.get(text(range, "relname")) ?? [];
  const [table] = found;
  const isSure = found.length === 1 && table?.kind === "table" && (isSelect || table.triggers.length === 0);
  return isSure && (!isSelect || node["lockingClause"] !== undefined) ? table : undefined;
}

/** An INSERT of plain values that leaves what it meets as it is. */
function insertsNothing(statement: Tree, catalog: Catalog): boolean {
  const node = field(statement, "InsertStmt");
  const source = field(field(node, "selectStmt"), "SelectStmt");
  const found = catalog.relations.get(text(field(node, "relation"), "relname")) ?? [];
  const [table] = found;
  return (
    field(node, "onConflictClause")["action"] === "ONCONFLICT_NOTHING" &&
    source["valuesLists"] !== undefined &&
    node["withClause"] === undefined &&
    found.length === 1 &&
    table?.kind === "table" &&
    table.triggers.length === 0 &&
    occurrences(node, "lockingClause") === 0
  );
}

function occurrences(tree: unknown, name: string): number {
  if (Array.isArray(tree)) return tree.reduce<number>((sum, each) => sum + occurrences(each, name), 0);
  if (!isTree(tree)) return 0;
  return Object.entries(tree).reduce((sum, [key, value]) => sum + (key === name ? 1 : 0) + occurrences(value, name), 0);
}

/** Locks that are still to be taken by a transaction that certainly has some: who asks for those waits in any case. */
export function stillWanted(wants: readonly Lock[], sure: readonly RowLock[]): Lock[] {
  return wants.flatMap((want): Lock[] => {
    const has = want.kind === "row" ? sure.filter((lock) => covers(lock, want)) : [];
    if (want.kind !== "row" || has.length === 0) return [want];
    // Once it is written, and not only locked, those wait who insert its key.
    return want.written && !has.some(({ written }) => written) ? [{ ...want, isHeld: true }] : [];
  });
}

function covers(lock: RowLock, want: RowLock): boolean {
  if (lock.table !== want.table) return false;
  if (rowStrengths.indexOf(lock.strength) < rowStrengths.indexOf(want.strength)) return false;
  return [...lock.rows].every(([column, values]) => {
    const theirs = want.rows.get(column);
    return theirs?.length === 1 && JSON.stringify(theirs) === JSON.stringify(values);
  });
}

/** The locks without those on rows and keys. */
export function withoutRows(wants: readonly Lock[]): Lock[] {
  return wants.filter(({ kind }) => kind !== "row" && kind !== "key");
}
