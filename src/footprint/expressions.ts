import type { Column, Table } from "./catalog.js";
import { statementsOf, type Tree } from "./parse.js";
import { textOf, valueOf, type Rows, type Value } from "./values.js";
import { field, isTree, list, strings } from "./work.js";

/** An expression whose value is known before it is sent, or known to be made for nobody else. */
export type Known = { readonly given: unknown; readonly cast: string | undefined } | { readonly fresh: string };

/**
 * What an expression evaluates to.
 *
 * @param values The statement's parameters.
 * @returns Undefined for NULL and for whatever Postgres would have to compute.
 */
export function knownOf(node: Tree, values: readonly unknown[] | undefined): Known | undefined {
  if (isTree(node["A_Const"])) return constant(node["A_Const"]);
  if (isTree(node["ParamRef"])) return { given: values?.[Number(node["ParamRef"]["number"]) - 1], cast: undefined };
  if (isTree(node["TypeCast"])) return casted(node["TypeCast"], values);
  if (isTree(node["FuncCall"])) return fresh(node["FuncCall"]);
  return undefined;
}

/** Kinds of literals: what they are when they are left out, and the type that they have. */
const literals = [
  ["ival", 0, "int4"],
  ["fval", "0", "numeric"],
  ["sval", "", undefined],
  ["boolval", false, "bool"],
] as const;

function constant(node: Tree): Known | undefined {
  for (const [kind, empty, cast] of literals) if (isTree(node[kind])) return { given: node[kind][kind] ?? empty, cast };
  return undefined;
}

function casted(node: Tree, values: readonly unknown[] | undefined): Known | undefined {
  const type = field(node, "typeName");
  const known = knownOf(field(node, "arg"), values);
  const cast = strings(list(type, "names")).at(-1);
  const isPlain = list(type, "typmods").length === 0 && list(type, "arrayBounds").length === 0;
  if (known === undefined || "fresh" in known) return known;
  const changesNothing = known.cast === undefined || (known.cast === "int4" && /^(int\d|numeric)$/.test(cast ?? ""));
  return isPlain && changesNothing ? { given: known.given, cast } : undefined;
}

function fresh(node: Tree): Known | undefined {
  const name = strings(list(node, "funcname")).at(-1);
  const args = list(node, "args");
  if (["gen_random_uuid", "uuidv4", "uuidv7"].includes(name ?? "") && args.length === 0) return { fresh: "uuid" };
  if (name !== "nextval" || args.length !== 1) return undefined;
  const sequence = literalOf(args[0]!, undefined);
  return sequence === undefined ? undefined : { fresh: `sequence ${sequence}` };
}

/** The text of a literal or plain parameter. */
export function literalOf(node: Tree, values: readonly unknown[] | undefined): string | undefined {
  const known = knownOf(node, values);
  return known !== undefined && "given" in known ? textOf(known.given) : undefined;
}

/** Types by the names that casts have, and the families of columns whose values they leave as they are. */
const castFamilies: Readonly<Record<string, readonly Column["type"]["family"][]>> = {
  int2: ["integer", "numeric"],
  int4: ["integer", "numeric"],
  int8: ["integer", "numeric"],
  numeric: ["integer", "numeric"],
  text: ["text"],
  varchar: ["text"],
  uuid: ["uuid"],
  bool: ["boolean"],
};

/** The value that a column has where it equals the expression. */
export function columnValue(known: Known | undefined, { type }: Column): Value | undefined {
  if (known === undefined) return undefined;
  if ("fresh" in known) return { fresh: known.fresh };
  const { given, cast } = known;
  const fits =
    cast === undefined ||
    castFamilies[cast]?.includes(type.family) === true ||
    (type.family === "enum" && isName(cast));
  return fits ? valueOf(given, type) : undefined;
}

function isName(cast: string): boolean {
  return castFamilies[cast] === undefined;
}

/** What a column gets when nothing is put into it. */
export function defaultOf(column: Column, table: Table): Known | undefined {
  if (column.identity) return { fresh: `identity ${table.name}.${column.name}` };
  return column.default === null ? undefined : knownOf(expressionOf(column.default), undefined);
}

/** The tree of an expression. */
export function expressionOf(sql: string): Tree {
  const [statement] = statementsOf(`select ${sql}`) ?? [];
  const [target] = list(field(statement ?? {}, "SelectStmt"), "targetList");
  return field(field(target ?? {}, "ResTarget"), "val");
}

/** `column = value`, or `column IN (…)`, that must hold for a row to count. */
export interface Condition {
  readonly qualifier: string | undefined;
  readonly column: string;
  readonly among: readonly (Known | undefined)[];
}

/** The conditions that an expression is an AND of; whatever else it says only makes rows fewer. */
export function conditionsOf(node: Tree, values: readonly unknown[] | undefined): Condition[] {
  const bool = field(node, "BoolExpr");
  if (bool["boolop"] === "AND_EXPR") return list(bool, "args").flatMap((arg) => conditionsOf(arg, values));
  const comparison = field(node, "A_Expr");
  const name = strings(list(comparison, "name"));
  if (name.length !== 1 || name[0] !== "=") return [];
  const left = field(comparison, "lexpr");
  const right = field(comparison, "rexpr");
  switch (comparison["kind"]) {
    case "AEXPR_OP":
      return [...equal(left, [knownOf(right, values)]), ...equal(right, [knownOf(left, values)])];
    case "AEXPR_IN":
      return equal(
        left,
        list(field(right, "List"), "items").map((item) => knownOf(item, values)),
      );
    case "AEXPR_OP_ANY":
      return equal(left, elementsOf(right, values));
    default:
      return [];
  }
}

function equal(node: Tree, among: readonly (Known | undefined)[]): Condition[] {
  const fields = list(field(node, "ColumnRef"), "fields");
  const names = strings(fields);
  const column = names.at(-1);
  if (column === undefined || names.length !== fields.length || names.length > 2 || among.length === 0) return [];
  return [{ qualifier: names.length === 2 ? names[0] : undefined, column, among }];
}

function elementsOf(node: Tree, values: readonly unknown[] | undefined): (Known | undefined)[] {
  const array = field(node, "A_ArrayExpr");
  if (array["elements"] !== undefined) return list(array, "elements").map((element) => knownOf(element, values));
  const inner = isTree(node["TypeCast"]) ? field(node["TypeCast"], "arg") : node;
  const known = knownOf(inner, values);
  const given = known !== undefined && "given" in known ? known.given : undefined;
  return Array.isArray(given) ? given.map((element: unknown) => ({ given: element, cast: undefined })) : [];
}

/**
 * The rows of a table that conditions leave.
 *
 * @param alias What the table is called in the statement.
 */
export function rowsOf(table: Table, alias: string, conditions: readonly Condition[]): Rows {
  const rows = new Map<string, readonly Value[]>();
  for (const { qualifier, column, among } of conditions) {
    const known = table.columns.get(column);
    if (known === undefined || (qualifier !== undefined && qualifier !== alias)) continue;
    const values = among.map((each) => columnValue(each, known));
    if (values.every((value) => value !== undefined)) rows.set(column, values);
  }
  return rows;
}

/** Names that stand for versions of rows and change with every write. */
const systemColumns = ["xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"];

/** By statement: trees are made once for each text. */
const knownNames = new WeakMap<object, ReadonlySet<string> | "all">();

/** Names of columns that occur in a statement; `all` if whole rows do. */
export function columnNames(statement: Tree): ReadonlySet<string> | "all" {
  const names = knownNames.get(statement) ?? findNames(statement);
  knownNames.set(statement, names);
  return names;
}

function findNames(tree: Tree): ReadonlySet<string> | "all" {
  const names = new Set<string>();
  const ranges = new Set<string>();
  const isWhole = collect(tree, names, ranges);
  const whole = isWhole || [...names].some((name) => ranges.has(name) || systemColumns.includes(name));
  return whole ? "all" : names;
}

/**
 * Whether a statement looks at `xmax`, which changes when somebody locks a row. Not in an INSERT: of its own rows it says
 * whether they were there before (`RETURNING xmax = 0`).
 */
export function looksAtLockers(statement: Tree): boolean {
  const names = new Set<string>();
  if (statement["InsertStmt"] === undefined) collect(statement, names, new Set());
  return names.has("xmax");
}

/** @returns Whether whole rows occur, or columns under other names. */
function collect(tree: unknown, names: Set<string>, ranges: Set<string>): boolean {
  if (Array.isArray(tree)) return tree.map((each) => collect(each, names, ranges)).some(Boolean);
  if (!isTree(tree)) return false;
  let whole = tree["isNatural"] === true || "A_Star" in tree;
  for (const [key, value] of Object.entries(tree)) {
    if (key === "ColumnRef") names.add(strings(list(value as Tree, "fields")).at(-1) ?? "");
    if (key === "usingClause") for (const name of strings(value as Tree[])) names.add(name);
    if ((key === "relname" || key === "aliasname") && typeof value === "string") ranges.add(value);
    if (key === "colnames") whole = true;
    if (collect(value, names, ranges)) whole = true;
  }
  return whole;
}
