import type { Catalog } from "./catalog.js";
import { noEffects, type Effects } from "./effects.js";
import { knownOf } from "./expressions.js";
import type { Tree } from "./parse.js";
import { writtenBy, type SessionState } from "./session-state.js";
import { isIsolation, isLanguage, isTimeout } from "./settings.js";
import { effectsOf } from "./statement.js";
import { setTransaction } from "./transaction-control.js";
import { field, isTree, list, text } from "./work.js";

/**
 * What a statement does that concerns its session before anybody else: settings, what is prepared, cursors, temporary
 * tables. Changes the session's state.
 *
 * @returns Undefined for all other statements.
 */
export function ownEffects(
  state: SessionState,
  statement: Tree,
  values: readonly unknown[],
  catalog: Catalog,
): Effects | undefined {
  const [kind = ""] = Object.keys(statement);
  return kinds[kind]?.(state, field(statement, kind), values, catalog);
}

type Special = (state: SessionState, node: Tree, values: readonly unknown[], catalog: Catalog) => Effects | undefined;

/** Statements that concern the session; undefined where they do not after all. */
const kinds: Readonly<Record<string, Special>> = {
  VariableSetStmt: set,
  VariableShowStmt: noEffects,
  DeallocateStmt: noEffects,
  ClosePortalStmt: noEffects,
  ConstraintsSetStmt: ({ transaction }) => ({ ...transaction.late, late: undefined, notifies: false, listens: false }),
  PrepareStmt: (state, node) => {
    state.prepared = new Map([...state.prepared, [text(node, "name"), { tree: field(node, "query"), values: [] }]]);
    return noEffects();
  },
  ExecuteStmt: (state, node, values, catalog) => {
    const prepared = state.prepared.get(text(node, "name"));
    if (prepared === undefined) return unknown(`what ${text(node, "name")} stands for is not known`);
    const given = list(node, "params").map((param) => {
      const known = knownOf(param, values);
      return known !== undefined && "given" in known ? known.given : undefined;
    });
    return effectsOf(prepared.tree, { catalog, values: given, temporary: state.temporary, written: writtenBy(state) });
  },
  DeclareCursorStmt: (state, node, values, catalog) => {
    const tree = field(node, "query");
    state.cursors = new Map([...state.cursors, [text(node, "portalname"), { tree, values }]]);
    return effectsOf(tree, { catalog, values, temporary: state.temporary, written: writtenBy(state) });
  },
  FetchStmt: (state, node, _, catalog) => {
    const cursor = state.cursors.get(text(node, "portalname"));
    if (cursor === undefined) return unknown(`the cursor ${text(node, "portalname")} is not known`);
    return effectsOf(cursor.tree, {
      catalog,
      values: cursor.values,
      temporary: state.temporary,
      written: writtenBy(state),
    });
  },
  CreateStmt: (state, node) => createTemporary(state, field(node, "relation"), noEffects()),
  CreateTableAsStmt: (state, node, values, catalog) => {
    const query = effectsOf(field(node, "query"), {
      catalog,
      values,
      temporary: state.temporary,
      written: writtenBy(state),
    });
    return createTemporary(state, field(field(node, "into"), "rel"), query);
  },
  IndexStmt: (state, node, _, catalog) =>
    isTemporary(state, text(field(node, "relation"), "relname"), catalog) ? noEffects() : undefined,
  DropStmt: (state, node, _, catalog) => {
    const names = list(node, "objects").map((object) => list(field(object, "List"), "items"));
    const isOurs = names.every(
      (parts) => parts.length === 1 && isTemporary(state, text(field(parts[0]!, "String"), "sval"), catalog),
    );
    return node["removeType"] === "OBJECT_TABLE" && isOurs ? noEffects() : undefined;
  },
};

function unknown(reason: string): Effects {
  return { ...noEffects(), opaque: reason, defines: true };
}

function createTemporary(state: SessionState, relation: Tree, effects: Effects): Effects | undefined {
  if (relation["relpersistence"] !== "t" && relation["schemaname"] !== "pg_temp") return undefined;
  state.temporary = new Set([...state.temporary, text(relation, "relname")]);
  return effects;
}

function isTemporary(state: SessionState, name: string, catalog: Catalog): boolean {
  return state.temporary.has(name) && !catalog.relations.has(name);
}

function set(state: SessionState, node: Tree): Effects {
  const name = text(node, "name");
  if (isTimeout(name)) state.timeouts = true;
  if (isLanguage(name)) state.opaque ??= `${name} changes what statements mean`;
  if (isIsolation(name)) setIsolation(state, node, name);
  return noEffects();
}

function setIsolation(state: SessionState, node: Tree, name: string): void {
  const { transaction } = state;
  const options = list(node, "args").flatMap((arg) => (isTree(arg["DefElem"]) ? [arg] : []));
  const isOne = name.toLowerCase() === "transaction" || /^transaction_/i.test(name);
  if (isOne && transaction.status === "none") return;
  if (name.toLowerCase() === "transaction") return void setTransaction(state, options, true);
  if (!isOne) state.isolation = "unknown";
  if (isOne || transaction.status === "none") transaction.isolation = "unknown";
}
