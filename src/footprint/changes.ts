import type { Table } from "./catalog.js";
import { columnValue, conditionsOf, defaultOf, expressionOf, knownOf, rowsOf, type Known } from "./expressions.js";
import type { Tree } from "./parse.js";
import { nameOf, readFrom, withQueries } from "./queries.js";
import { allRows, type Rows, type Value } from "./values.js";
import { field, isTree, list, lockTable, read, tablesOf, text, without, type Work } from "./work.js";
import { changesRow, insertInto, readFresh, remove, update, type Sets } from "./writes.js";

/** Adds what an INSERT does. */
export function insert(node: Tree, outer: Work): void {
  const work = withQueries(node, outer);
  work.visit(without(node, "withClause", "relation"), work);
  const conflict = field(node, "onConflictClause");
  for (const table of tablesOf(field(node, "relation"), work)) {
    const written = insertedRows(table, node, work);
    const rows = changesRow(table, "insert") ? allRows : written;
    insertInto(table, rows, work);
    if (node["returningClause"] !== undefined) lockTable(work, table, "ACCESS SHARE");
    if (conflict["action"] === "ONCONFLICT_UPDATE") meet(table, rows, conflict, work);
  }
}

/** ON CONFLICT DO UPDATE: the row that is already there. */
function meet(table: Table, rows: Rows, conflict: Tree, work: Work): void {
  const columns = arbiter(table, field(conflict, "infer"));
  const met = new Map([...rows].filter(([column]) => columns.includes(column)));
  readFresh(table, met, work);
  update(table, met, setsOf(table, list(conflict, "targetList"), work), work);
}

/** The columns of the unique index whose conflicts are meant; none if it is not plain. */
function arbiter(table: Table, infer: Tree): readonly string[] {
  const named = table.uniques.find(({ name }) => name === infer["conname"]);
  if (named !== undefined) return named.columns;
  const elements = list(infer, "indexElems").map((element) => field(element, "IndexElem"));
  const names = elements.map((element) => text(element, "name"));
  return names.includes("") ? [] : names;
}

/** Rows that an INSERT puts into a table, as far as its text and parameters say. */
function insertedRows(table: Table, node: Tree, work: Work): Rows {
  const source = field(field(node, "selectStmt"), "SelectStmt");
  const columns = columnsOf(table, node);
  const lines = linesOf(source, node["selectStmt"] !== undefined);
  const rows = new Map<string, readonly Value[]>();
  for (const column of table.columns.values()) {
    const at = columns.indexOf(column.name);
    const isDefault = (line: readonly Tree[]) => at < 0 || at >= line.length || isTree(line[at]!["SetToDefault"]);
    if (column.identity && lines?.some(isDefault) !== false) work.effects.draws = true;
    if (column.default !== null && lines?.some(isDefault) !== false) work.visit(expressionOf(column.default), work);
    const values = lines?.map((line) =>
      columnValue(isDefault(line) ? defaultOf(column, table) : knownOf(line[at]!, work.values), column),
    );
    if (values !== undefined && values.every((value) => value !== undefined)) rows.set(column.name, values);
  }
  return rows;
}

function columnsOf(table: Table, node: Tree): string[] {
  const named = list(node, "cols").map((target) => text(field(target, "ResTarget"), "name"));
  return named.length > 0 ? named : [...table.columns.keys()];
}

/** The expressions of each row; undefined if they are not written down. */
function linesOf(source: Tree, isGiven: boolean): readonly (readonly Tree[])[] | undefined {
  if (!isGiven) return [[]];
  if (source["valuesLists"] !== undefined)
    return list(source, "valuesLists").map((line) => list(field(line, "List"), "items"));
  const targets = list(source, "targetList").map((target) => field(field(target, "ResTarget"), "val"));
  const hasStar = targets.some((target) => list(field(target, "ColumnRef"), "fields").some((each) => "A_Star" in each));
  return source["larg"] === undefined && !hasStar && targets.length > 0 ? [targets] : undefined;
}

/** Adds what an UPDATE does. */
export function change(node: Tree, outer: Work): void {
  const work = withQueries(node, outer);
  work.visit(without(node, "withClause", "relation", "fromClause"), work);
  for (const { table, rows } of targets(node, list(node, "fromClause"), work)) {
    read(work, table, rows);
    update(table, rows, setsOf(table, list(node, "targetList"), work), work);
  }
}

/** Adds what a DELETE does. */
export function erase(node: Tree, outer: Work): void {
  const work = withQueries(node, outer);
  work.visit(without(node, "withClause", "relation", "usingClause"), work);
  for (const { table, rows } of targets(node, list(node, "usingClause"), work)) {
    read(work, table, rows);
    remove(table, rows, work);
  }
}

function targets(node: Tree, sources: readonly Tree[], work: Work): { table: Table; rows: Rows }[] {
  const relation = field(node, "relation");
  const { alias, plain } = nameOf(relation);
  const conditions = conditionsOf(field(node, "whereClause"), work.values);
  readFrom(sources, conditions, work);
  return tablesOf(relation, work).map((table) => ({ table, rows: plain ? rowsOf(table, alias, conditions) : allRows }));
}

function setsOf(table: Table, assignments: readonly Tree[], work: Work): Sets {
  return new Map(
    assignments.map((assignment): [string, Known | undefined] => {
      const target = field(assignment, "ResTarget");
      const name = text(target, "name");
      const column = table.columns.get(name);
      const value = field(target, "val");
      // `column[1] = …` leaves the rest as it is.
      if (column === undefined || target["indirection"] !== undefined) return [name, undefined];
      if (!isTree(value["SetToDefault"])) return [name, knownOf(value, work.values)];
      if (column.default !== null) work.visit(expressionOf(column.default), work);
      return [name, defaultOf(column, table)];
    }),
  );
}

/** Adds what a MERGE does. */
export function merge(node: Tree, outer: Work): void {
  const work = withQueries(node, outer);
  work.visit(without(node, "withClause", "relation", "sourceRelation"), work);
  const clauses = list(node, "mergeWhenClauses").map((clause) => field(clause, "MergeWhenClause"));
  const conditions = conditionsOf(field(node, "joinCondition"), work.values);
  // Rows that nothing matches are looked for among all.
  const bySource = clauses.some(({ matchKind }) => matchKind === "MERGE_WHEN_NOT_MATCHED_BY_SOURCE");
  readFrom([field(node, "sourceRelation")], [], work);
  const { alias, plain } = nameOf(field(node, "relation"));
  for (const table of tablesOf(field(node, "relation"), work)) {
    const rows = plain && !bySource ? rowsOf(table, alias, conditions) : allRows;
    read(work, table, rows);
    for (const clause of clauses) act(clause, table, rows, work);
  }
}

function act(clause: Tree, table: Table, rows: Rows, work: Work): void {
  switch (clause["commandType"]) {
    case "CMD_INSERT":
      return insertInto(table, mergedRows(table, clause, work), work);
    case "CMD_UPDATE":
      return update(table, rows, setsOf(table, list(clause, "targetList"), work), work);
    case "CMD_DELETE":
      return remove(table, rows, work);
    default:
  }
}

function mergedRows(table: Table, clause: Tree, work: Work): Rows {
  const items = list(clause, "values");
  const source = items.length === 0 ? {} : { valuesLists: [{ List: { items } }] };
  const statement = { cols: list(clause, "targetList"), selectStmt: { SelectStmt: source } };
  return insertedRows(table, items.length === 0 ? { cols: statement.cols } : statement, work);
}

/** Adds what COPY does. */
export function copy(node: Tree, work: Work): void {
  work.visit(node["query"], work);
  if (node["relation"] === undefined) return;
  for (const table of tablesOf(field(node, "relation"), work)) {
    for (const column of table.columns.values())
      if (column.default !== null) work.visit(expressionOf(column.default), work);
    if (node["is_from"] === true) insertInto(table, allRows, work);
    else read({ ...work, names: "all" }, table, allRows);
  }
}
