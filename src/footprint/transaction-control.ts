import { noDeed, type Deed } from "./deed.js";
import { literalOf } from "./expressions.js";
import type { Tree } from "./parse.js";
import {
  endTransaction,
  isSerializable,
  locksOf,
  newTransaction,
  type Level,
  type SessionState,
} from "./session-state.js";
import { field, list, text } from "./work.js";

/** BEGIN, COMMIT and the like. */
export function control(state: SessionState, node: Tree): Deed {
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
export function setTransaction(state: SessionState, options: readonly Tree[], again: boolean): Deed {
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
