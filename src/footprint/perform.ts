import type { Catalog } from "./catalog.js";
import { proofOf, stillWanted, withoutRows } from "./answer.js";
import { add, noEffects, type Access, type Effects } from "./effects.js";
import { knownOf, literalOf } from "./expressions.js";
import type { Lock } from "./locks.js";
import { type Tree } from "./parse.js";
import { endTransaction, locksOf, newTransaction, type Level, type SessionState } from "./session-state.js";
import { isIsolation, isLanguage, isTimeout } from "./settings.js";
import { effectsOf } from "./statement.js";
import { field, isTree, list, text } from "./work.js";

/** What a statement comes to, in the transaction that it stands in. */
export interface Deed {
  /** What it does at once, but for publishing. */
  readonly effects: Effects;
  /** What it makes visible to others. */
  readonly publishes: Access[];
  /** Locks that it gives up, or may. */
  readonly givesUp: Lock[];
  /** Whether it takes the snapshot that the rest of its transaction reads by. */
  snapshot: boolean;
  /** Whether its reads are as of now, and not of an earlier snapshot. */
  current: boolean;
  /** Whether serializable transactions take note of it. */
  serializable: boolean;
  notifies: boolean;
  listens: boolean;
}

export function noDeed(): Deed {
  return {
    effects: noEffects(),
    publishes: [],
    givesUp: [],
    snapshot: false,
    current: false,
    serializable: false,
    notifies: false,
    listens: false,
  };
}

/** How a statement was answered. */
export interface Answer {
  readonly rowCount?: number | null | undefined;
  readonly waited: boolean;
}

/**
 * Runs a statement in a session as far as footprints go: says what it does, and changes the session's state as if it
 * had succeeded.
 *
 * @param answer For a statement that was answered: what it proves counts.
 */
export function perform(
  state: SessionState,
  statement: Tree,
  values: readonly unknown[],
  catalog: Catalog,
  answer?: Answer,
): Deed {
  const [kind = ""] = Object.keys(statement);
  const node = field(statement, kind);
  if (kind === "TransactionStmt") return control(state, node);
  // "current transaction is aborted, commands ignored until end of transaction block"
  if (state.transaction.status === "failed") return noDeed();
  const special = specials[kind]?.(state, node, values, catalog);
  if (special !== undefined) return run(state, special, takesNoSnapshot.has(kind) ? "none" : "maybe");
  const effects = effectsOf(statement, { catalog, values, temporary: state.temporary });
  const { sure, missed } = proofOf(statement, effects, answer?.rowCount, answer?.waited === true, catalog);
  const { holds } = state.transaction;
  const deed = run(state, missed ? missing(effects, kind) : effects, takesNoSnapshot.has(kind) ? "none" : "taken");
  if (missed && state.transaction.status === "open")
    state.transaction.holds = [...holds, ...withoutRows(effects.wants)];
  if (state.transaction.status === "open") state.transaction.sure = [...state.transaction.sure, ...sure];
  return deed;
}

/** What a statement does that found nothing to write; an INSERT has looked for its keys all the same. */
function missing(effects: Effects, kind: string): Effects {
  return { ...effects, writes: [], wants: kind === "InsertStmt" ? effects.wants : withoutRows(effects.wants) };
}

/** Statements that are run without a snapshot, as `PlannedStmtRequiresSnapshot` of Postgres' pquery.c lists them. */
const takesNoSnapshot = new Set(
  "VariableSetStmt VariableShowStmt LockStmt ConstraintsSetStmt FetchStmt ListenStmt NotifyStmt UnlistenStmt".split(
    " ",
  ),
);

function run(state: SessionState, effects: Effects, snapshot: "none" | "maybe" | "taken"): Deed {
  const { transaction } = state;
  const alone = transaction.status === "none";
  const { isolation } = transaction;
  const wants = stillWanted(effects.wants, transaction.sure);
  const deed: Deed = { ...noDeed(), effects: { ...effects, wants }, givesUp: [...effects.unlocks] };
  deed.current = isolation === "read committed" || isolation === "unknown" || transaction.snapshot !== "taken";
  deed.serializable = isSerializable(isolation) && touches(effects);
  const kept = effects.wants.filter((lock) => lock.kind === "advisory").filter(({ session }) => session);
  state.advisory = [...state.advisory, ...kept];
  if (alone) {
    if (effects.late !== undefined) add(deed.effects, effects.late);
    deed.publishes.push(...effects.writes);
    deed.notifies = effects.notifies;
    deed.listens = effects.listens;
    state.listening ||= effects.listens;
    return deed;
  }
  deed.snapshot = isolation !== "read committed" && transaction.snapshot !== "taken" && snapshot !== "none";
  if (deed.snapshot) transaction.snapshot = snapshot;
  deed.serializable ||= deed.snapshot && isSerializable(isolation);
  transaction.opaque ??= effects.opaque;
  transaction.touched ||= touches(effects);
  transaction.writes = [...transaction.writes, ...effects.writes];
  transaction.holds = [
    ...transaction.holds,
    ...effects.wants.filter((lock) => lock.kind !== "advisory" || !lock.session),
  ];
  if (effects.late !== undefined) add(transaction.late, effects.late);
  transaction.late.notifies ||= effects.notifies;
  transaction.late.listens ||= effects.listens;
  return deed;
}

export function isSerializable(level: Level): boolean {
  return level === "serializable" || level === "unknown";
}

function touches({ reads, freshReads, writes }: Effects): boolean {
  return reads.length + freshReads.length + writes.length > 0;
}

/** BEGIN, COMMIT and the like. */
function control(state: SessionState, node: Tree): Deed {
  const { transaction } = state;
  switch (node["kind"]) {
    case "TRANS_STMT_BEGIN":
    case "TRANS_STMT_START":
      return begin(state, list(node, "options"));
    case "TRANS_STMT_COMMIT":
      return transaction.status === "failed"
        ? rollback(state, node["chain"] === true)
        : commit(state, node["chain"] === true);
    case "TRANS_STMT_ROLLBACK":
      return rollback(state, node["chain"] === true);
    case "TRANS_STMT_SAVEPOINT":
      if (transaction.status === "open") {
        const { holds, writes } = transaction;
        const savepoint = { name: text(node, "savepoint_name"), holds: holds.length, writes: writes.length };
        transaction.savepoints = [...transaction.savepoints, savepoint];
      }
      return noDeed();
    case "TRANS_STMT_RELEASE":
      transaction.savepoints = transaction.savepoints.slice(0, Math.max(0, placeOf(state, node)));
      return noDeed();
    case "TRANS_STMT_ROLLBACK_TO":
      return rollbackTo(state, node);
    default:
      return opaque(state, "two-phase commit reaches beyond the session");
  }
}

function opaque(state: SessionState, reason: string): Deed {
  const deed = noDeed();
  deed.effects.opaque = reason;
  state.opaque ??= reason;
  return deed;
}

function begin(state: SessionState, options: readonly Tree[]): Deed {
  const { transaction } = state;
  if (transaction.status === "failed") return noDeed();
  const again = transaction.status === "open";
  if (!again) Object.assign(transaction, newTransaction("open", state.isolation));
  return setTransaction(state, options, again);
}

/** Options of BEGIN and SET TRANSACTION. */
function setTransaction(state: SessionState, options: readonly Tree[], again: boolean): Deed {
  for (const option of options.map((each) => field(each, "DefElem"))) {
    if (option["defname"] === "transaction_isolation") {
      const level = levelOf(field(option, "arg"));
      state.transaction.isolation = again && state.transaction.snapshot !== "none" ? "unknown" : level;
    } else if (option["defname"] === "transaction_deferrable") {
      return opaque(state, "a deferrable transaction may wait for its snapshot");
    }
  }
  return noDeed();
}

function levelOf(node: Tree): Level {
  const level = literalOf(node, undefined)?.toLowerCase() ?? "";
  if (level === "read committed" || level === "repeatable read" || level === "serializable") return level;
  return level === "read uncommitted" ? "read committed" : "unknown";
}

/** What a session gives up and makes visible at COMMIT. */
function commit(state: SessionState, chain: boolean): Deed {
  const { transaction } = state;
  const { late } = transaction;
  const deed: Deed = {
    ...noDeed(),
    effects: { ...late, opaque: transaction.opaque, notifies: false, listens: false },
    publishes: [...transaction.writes, ...late.writes],
    givesUp: [...transaction.holds],
    current: true,
    serializable: isSerializable(transaction.isolation) && transaction.touched,
    notifies: late.notifies,
    listens: late.listens,
  };
  state.listening ||= late.listens;
  endTransaction(state, chain && transaction.status !== "none" ? "open" : "none");
  return deed;
}

export function rollback(state: SessionState, chain = false): Deed {
  const { transaction } = state;
  const deed: Deed = {
    ...noDeed(),
    givesUp: [...transaction.holds],
    serializable: isSerializable(transaction.isolation) && transaction.touched,
  };
  deed.effects.opaque = transaction.opaque;
  endTransaction(state, chain && transaction.status !== "none" ? "open" : "none");
  return deed;
}

/** The session is gone, and with it all that it had. */
export function end(state: SessionState): Deed {
  const locks = [...locksOf(state)];
  const deed = rollback(state);
  deed.effects.opaque ??= state.opaque;
  return { ...deed, givesUp: locks };
}

function placeOf({ transaction }: SessionState, node: Tree): number {
  return transaction.savepoints.findLastIndex(({ name }) => name === node["savepoint_name"]);
}

function rollbackTo(state: SessionState, node: Tree): Deed {
  const { transaction } = state;
  const at = placeOf(state, node);
  const savepoint = transaction.savepoints[at];
  const deed = noDeed();
  deed.effects.opaque = transaction.opaque;
  deed.serializable = isSerializable(transaction.isolation) && transaction.touched;
  if (savepoint === undefined) return { ...deed, givesUp: [...transaction.holds] };
  deed.givesUp.push(...transaction.holds.slice(savepoint.holds));
  transaction.holds = transaction.holds.slice(0, savepoint.holds);
  transaction.writes = transaction.writes.slice(0, savepoint.writes);
  transaction.sure = [];
  transaction.savepoints = transaction.savepoints.slice(0, at + 1);
  transaction.status = "open";
  return deed;
}

type Special = (state: SessionState, node: Tree, values: readonly unknown[], catalog: Catalog) => Effects | undefined;

/** Statements that concern the session; undefined where they do not after all. */
const specials: Readonly<Record<string, Special>> = {
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
    return effectsOf(prepared.tree, { catalog, values: given, temporary: state.temporary });
  },
  DeclareCursorStmt: (state, node, values, catalog) => {
    const tree = field(node, "query");
    state.cursors = new Map([...state.cursors, [text(node, "portalname"), { tree, values }]]);
    return effectsOf(tree, { catalog, values, temporary: state.temporary });
  },
  FetchStmt: (state, node, _, catalog) => {
    const cursor = state.cursors.get(text(node, "portalname"));
    if (cursor === undefined) return unknown(`the cursor ${text(node, "portalname")} is not known`);
    return effectsOf(cursor.tree, { catalog, values: cursor.values, temporary: state.temporary });
  },
  CreateStmt: (state, node) => createTemporary(state, field(node, "relation"), noEffects()),
  CreateTableAsStmt: (state, node, values, catalog) => {
    const query = effectsOf(field(node, "query"), { catalog, values, temporary: state.temporary });
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
