import type { Table } from "./catalog.js";
import { columnNames, conditionsOf, rowsOf, type Condition } from "./expressions.js";
import type { RowStrength } from "./locks.js";
import { statementsOf, type Tree } from "./parse.js";
import { allRows, type Rows } from "./values.js";
import {
  beOpaque,
  field,
  isTree,
  list,
  lockTable,
  read,
  relationsOf,
  strings,
  text,
  without,
  type Work,
} from "./work.js";

/** FOR UPDATE and the like. */
interface Locking {
  readonly strength: RowStrength;
  /** Names of what it is restricted to. */
  readonly of: readonly string[];
}

/** What a FROM clause names. */
interface Source {
  readonly alias: string;
  /** The tables that it may stand for. */
  readonly tables: readonly Table[];
  /** Whether its columns have their own names. */
  readonly plain: boolean;
  /** The query behind a view or in parentheses. */
  readonly query: Tree | undefined;
  readonly within: Work;
}

/** Adds what a SELECT does, VALUES and set operations included. */
export function select(node: Tree, outer: Work, inherited: readonly Locking[] = []): void {
  const work = withQueries(node, outer);
  if (node["intoClause"] !== undefined) beOpaque(work, "SELECT INTO makes a table");
  for (const side of ["larg", "rarg"]) if (isTree(node[side])) select(node[side], work, inherited);
  const locking = [...inherited, ...list(node, "lockingClause").flatMap((clause) => lockingOf(clause, work))];
  work.visit(without(node, "fromClause", "larg", "rarg", "withClause", "lockingClause", "intoClause"), work);
  const conditions = conditionsOf(field(node, "whereClause"), work.values);
  for (const source of sources(list(node, "fromClause"), conditions, work)) from(source, conditions, locking, work);
}

/** Reads what a FROM clause names, with the conditions that come from elsewhere. */
export function readFrom(clause: readonly Tree[], conditions: Condition[], work: Work): void {
  for (const source of sources(clause, conditions, work)) from(source, conditions, [], work);
}

/** The tables that WITH gives names to, run; and how work goes on below. */
export function withQueries(node: Tree, work: Work): Work {
  const clause = field(node, "withClause");
  const queries = list(clause, "ctes").map((query) => field(query, "CommonTableExpr"));
  const names = queries.map((query) => text(query, "ctename"));
  queries.forEach((query, i) => {
    const known = clause["recursive"] === true ? names : names.slice(0, i);
    const within = { ...work, withQueries: new Set([...work.withQueries, ...known]) };
    work.visit(query["ctequery"], within);
  });
  return names.length === 0 ? work : { ...work, withQueries: new Set([...work.withQueries, ...names]) };
}

const strengths: Readonly<Record<string, RowStrength>> = {
  LCS_FORKEYSHARE: "KEY SHARE",
  LCS_FORSHARE: "SHARE",
  LCS_FORNOKEYUPDATE: "NO KEY UPDATE",
  LCS_FORUPDATE: "UPDATE",
};

function lockingOf(clause: Tree, work: Work): Locking[] {
  const node = field(clause, "LockingClause");
  if (node["waitPolicy"] === "LockWaitSkip" || node["waitPolicy"] === "LockWaitError") work.effects.probes = true;
  const of = list(node, "lockedRels").map((range) => text(field(range, "RangeVar"), "relname"));
  return [{ strength: strengths[text(node, "strength")] ?? "UPDATE", of }];
}

/** @param conditions What inner joins are on is added to them. */
function sources(clause: readonly Tree[], conditions: Condition[], work: Work): Source[] {
  return clause.flatMap((node) => {
    if (isTree(node["RangeVar"])) return named(node["RangeVar"], work);
    if (isTree(node["RangeSubselect"])) return [subquery(node["RangeSubselect"], work)];
    if (isTree(node["JoinExpr"])) {
      const join = node["JoinExpr"];
      if (join["jointype"] === "JOIN_INNER") conditions.push(...conditionsOf(field(join, "quals"), work.values));
      work.visit(join["quals"], work);
      return sources([field(join, "larg"), field(join, "rarg")], conditions, work);
    }
    work.visit(node, work);
    return [];
  });
}

function named(range: Tree, work: Work): Source[] {
  const { alias, plain } = nameOf(range);
  return relationsOf(range, work).map((relation) => {
    if (relation.kind === "table") return { alias, tables: [relation], plain, query: undefined, within: work };
    if (relation.kind === "unknown") beOpaque(work, `${relation.name} is no plain table`);
    const [statement] = relation.kind === "view" ? (statementsOf(relation.definition) ?? []) : [];
    const query = isTree(statement?.["SelectStmt"]) ? statement["SelectStmt"] : undefined;
    if (query === undefined) beOpaque(work, `what ${relation.name} shows is not known`);
    // A view's text has names and parameters of its own.
    const within = { ...work, values: undefined, withQueries: new Set<string>(), names: columnNames(statement ?? {}) };
    return { alias, tables: [], plain, query, within };
  });
}

function subquery(node: Tree, work: Work): Source {
  const query = field(field(node, "subquery"), "SelectStmt");
  return { alias: nameOf(node).alias, tables: [], plain: true, query, within: work };
}

/** What something is called in a statement. */
export function nameOf(node: Tree): { readonly alias: string; readonly plain: boolean } {
  const alias = field(node, "alias");
  const name = text(alias, "aliasname") || text(node, "relname");
  return { alias: name, plain: strings(list(alias, "colnames")).length === 0 };
}

function from(source: Source, conditions: readonly Condition[], locking: readonly Locking[], work: Work): void {
  const { alias, tables, plain, query, within } = source;
  const locks = locking.filter(({ of }) => of.length === 0 || of.includes(alias));
  if (query !== undefined)
    select(
      query,
      within,
      locks.map(({ strength }) => ({ strength, of: [] })),
    );
  for (const table of tables) {
    const rows = plain ? rowsOf(table, alias, conditions) : allRows;
    read(work, table, rows);
    for (const { strength } of locks) lockRows(work, table, rows, strength);
  }
}

function lockRows(work: Work, table: Table, rows: Rows, strength: RowStrength): void {
  lockTable(work, table, "ROW SHARE");
  work.effects.wants.push({ kind: "row", table: table.name, rows, strength, written: false });
}
