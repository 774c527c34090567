import { pins } from "./answer.js";
import { tableNamed, type Catalog } from "./catalog.js";
import type { Access } from "./effects.js";
import { statementsOf, type Tree } from "./parse.js";
import { effectsOf } from "./statement.js";
import { field, list, strings } from "./work.js";

/** Aggregates of Postgres' own to which the order of rows makes no difference. */
const orderless = new Set("count sum min max avg bool_and bool_or every".split(" "));

/**
 * Tables whose rows are answered, or copied, in the order in which they lie, as there is no ORDER BY. What a query within
 * another one leaves to the order of its rows (LIMIT) is not looked at.
 */
export function tablesInNoOrder(texts: readonly string[], catalog: Catalog): ReadonlySet<string> {
  const statements = texts.flatMap((text) => statementsOf(text) ?? []);
  const nothing = { values: [], temporary: new Set<string>(), written: new Set<string>() };
  const reads = statements
    .filter((statement) => !isOrdered(statement))
    .flatMap((statement) => effectsOf(statement, { catalog, ...nothing }).reads);
  return new Set(reads.filter((read) => !isOneRow(read, catalog)).map(({ table }) => table));
}

function isOrdered(statement: Tree): boolean {
  const [kind = ""] = Object.keys(statement);
  const node = field(statement, kind);
  if (kind === "SelectStmt") return isOrderedQuery(node);
  if (kind === "InsertStmt") return isOrderedQuery(field(field(node, "selectStmt"), "SelectStmt"));
  return node["returningClause"] === undefined;
}

function isOrderedQuery(query: Tree): boolean {
  const targets = list(query, "targetList").map((target) => field(field(target, "ResTarget"), "val"));
  const isOneRow = targets.length > 0 && targets.every(isOrderless) && query["groupClause"] === undefined;
  return query["sortClause"] !== undefined || isOneRow;
}

function isOrderless(expression: Tree): boolean {
  const call = field(expression, "FuncCall");
  return orderless.has(strings(list(call, "funcname")).at(-1) ?? "") && call["over"] === undefined;
}

function isOneRow({ table, rows }: Access, catalog: Catalog): boolean {
  const uniques = tableNamed(catalog, table)?.uniques ?? [];
  return uniques.some((unique) => !unique.anyColumn && pins(rows, unique.columns));
}
