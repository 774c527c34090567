import { call } from "./calls.js";
import type { Catalog } from "./catalog.js";
import { change, copy, erase, insert, merge } from "./changes.js";
import { add, noEffects, type Effects } from "./effects.js";
import { columnNames, looksAtLockers } from "./expressions.js";
import { tableModes } from "./locks.js";
import { statementsOf, type Tree } from "./parse.js";
import { readFrom, select } from "./queries.js";
import { beOpaque, field, isTree, list, lockTable, mayDefine, tablesOf, type Work } from "./work.js";
import { truncate } from "./writes.js";

/** What a statement is read with. */
export interface Reading {
  readonly catalog: Catalog;
  readonly values: readonly unknown[] | undefined;
  /** Names of the session's own tables. */
  readonly temporary: ReadonlySet<string>;
  /** Tables that the transaction may have written before. */
  readonly written: ReadonlySet<string>;
}

/** By catalog and tree: to go through a tree costs more than all the rest, and the same few are gone through again and again. */
const known = new WeakMap<Catalog, WeakMap<Tree, Map<string, Effects>>>();

/** How many sets of parameters are kept for one statement. */
const kept = 1_000;

/**
 * What a statement does, from its tree and the catalog. Statements that only concern the session or its transaction
 * (BEGIN, SET, PREPARE, …) are not for here.
 */
export function effectsOf(statement: Tree, reading: Reading): Effects {
  const key = keyOf(reading);
  if (key === undefined) return read(statement, reading);
  const trees = known.get(reading.catalog) ?? new WeakMap<Tree, Map<string, Effects>>();
  known.set(reading.catalog, trees);
  const found = trees.get(statement) ?? new Map<string, Effects>();
  trees.set(statement, found);
  if (found.size >= kept) found.clear();
  const effects = found.get(key) ?? read(statement, reading);
  found.set(key, effects);
  return copyOf(effects);
}

/** All that effects depend on besides catalog and tree; undefined where that is much, or not to be told apart by JSON. */
function keyOf({ values, temporary, written }: Reading): string | undefined {
  if (values?.every(isPlain) !== true) return undefined;
  const key = JSON.stringify([values, [...temporary], [...written].toSorted()]);
  return key.length > 2_000 ? undefined : key;
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

/** Whoever gets effects may add to them. */
function copyOf(effects: Effects): Effects {
  const copy = noEffects();
  add(copy, effects);
  return copy;
}

function read(statement: Tree, reading: Reading): Effects {
  const effects = noEffects();
  runStatement(statement, {
    ...reading,
    withQueries: new Set(),
    names: new Set(),
    inside: new Set(),
    effects,
    visit,
    run,
  });
  if (reading.catalog.surprise !== undefined && effects.wants.length > 0) effects.opaque ??= reading.catalog.surprise;
  return effects;
}

function runStatement(statement: Tree, work: Work): void {
  const [kind = ""] = Object.keys(statement);
  const handle = statements[kind];
  const within = { ...work, names: columnNames(statement), withQueries: new Set<string>() };
  if (looksAtLockers(statement)) beOpaque(within, "xmax shows who has locked a row");
  if (handle === undefined) mayDefine(work, `${wordsOf(kind)} may do anything`);
  else handle(field(statement, kind), within);
}

/** `AlterTableStmt` → `ALTER TABLE` */
export function wordsOf(kind: string): string {
  return kind
    .replace(/Stmt$/, "")
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toUpperCase();
}

/** Adds what the statements of a text do. */
function run(text: string, work: Work): void {
  const parsed = statementsOf(text);
  if (parsed === undefined) return mayDefine(work, `${text} cannot be parsed`);
  for (const statement of parsed) runStatement(statement, work);
}

type Handler = (node: Tree, work: Work) => void;

const queries: Readonly<Record<string, Handler>> = {
  SelectStmt: (node, work) => select(node, work),
  InsertStmt: insert,
  UpdateStmt: change,
  DeleteStmt: erase,
  MergeStmt: merge,
};

const statements: Readonly<Record<string, Handler>> = {
  ...queries,
  CopyStmt: (node, work) => (node["is_program"] === true ? mayDefine(work, "COPY runs a program") : copy(node, work)),
  ExplainStmt: (node, work) => runStatement(field(node, "query"), work),
  TruncateStmt: empty,
  LockStmt: lock,
  NotifyStmt: (_, { effects }) => {
    effects.notifies = true;
  },
  ListenStmt: (_, { effects }) => {
    effects.listens = true;
  },
  UnlistenStmt: (_, { effects }) => {
    effects.listens = true;
  },
};

/** What stands inside of statements and does something by itself. */
const parts: Readonly<Record<string, Handler>> = {
  ...queries,
  FuncCall: (node, work) => {
    visit(Object.values(node), work);
    call(node, work);
  },
  RangeVar: (node, work) => readFrom([{ RangeVar: node }], [], work),
  CurrentOfExpr: (_, work) => beOpaque(work, "which row the cursor stands on is not known"),
};

function visit(tree: unknown, work: Work): void {
  if (Array.isArray(tree)) for (const each of tree) visit(each, work);
  if (!isTree(tree)) return;
  for (const [key, value] of Object.entries(tree)) {
    const handle = parts[key];
    if (handle !== undefined && isTree(value)) handle(value, work);
    else visit(value, work);
  }
}

function empty(node: Tree, work: Work): void {
  if (node["restart_seqs"] === true) beOpaque(work, "TRUNCATE restarts sequences");
  for (const range of list(node, "relations"))
    for (const table of tablesOf(field(range, "RangeVar"), work))
      truncate(table, node["behavior"] === "DROP_CASCADE", work);
}

function lock(node: Tree, work: Work): void {
  const mode = tableModes[Number(node["mode"]) - 1] ?? "ACCESS EXCLUSIVE";
  if (node["nowait"] === true) work.effects.probes = true;
  for (const range of list(node, "relations"))
    for (const table of tablesOf(field(range, "RangeVar"), work)) lockTable(work, table, mode);
}
