import type { Access, Effects } from "./effects.js";
import { noEffects } from "./effects.js";
import type { AdvisoryLock, Lock, RowLock } from "./locks.js";
import type { Tree } from "./parse.js";

/** Transaction isolation, as `default_transaction_isolation` has it; `unknown` is taken for the worst of them. */
export type Level = "read committed" | "repeatable read" | "serializable" | "unknown";

/** A statement that is run by a name: PREPARE, DECLARE CURSOR. */
export interface Named {
  readonly tree: Tree;
  readonly values: readonly unknown[];
}

/** Where ROLLBACK TO goes back to. */
interface Savepoint {
  readonly name: string;
  readonly holds: number;
  readonly writes: number;
}

/** What one session's transaction has done so far. */
export interface Transaction {
  status: "none" | "open" | "failed";
  isolation: Level;
  /** Of a transaction that has one for all its statements: whether it is taken. */
  snapshot: "none" | "maybe" | "taken";
  writes: readonly Access[];
  holds: readonly Lock[];
  /** Locks on rows that it has without doubt. */
  sure: readonly RowLock[];
  /** What is done at COMMIT. */
  late: Effects;
  savepoints: readonly Savepoint[];
  /** Whether it has read or written anything. */
  touched: boolean;
  /** Why it is not known what it has written and locked. */
  opaque: string | undefined;
}

/** What is known of one session at one moment. */
export interface SessionState {
  readonly actor: string;
  readonly transaction: Transaction;
  /** Isolation of transactions to come. */
  isolation: Level;
  /** Advisory locks that outlive transactions; those given up may still be among them. */
  advisory: readonly AdvisoryLock[];
  listening: boolean;
  temporary: ReadonlySet<string>;
  prepared: ReadonlyMap<string, Named>;
  cursors: ReadonlyMap<string, Named>;
  /** Whether waits may end by themselves. */
  timeouts: boolean;
  /** Why nothing is known of what it does from now on. */
  opaque: string | undefined;
}

export function newSession(actor: string, isolation: Level): SessionState {
  return {
    actor,
    transaction: newTransaction("none", isolation),
    isolation,
    advisory: [],
    listening: false,
    temporary: new Set(),
    prepared: new Map(),
    cursors: new Map(),
    timeouts: false,
    opaque: undefined,
  };
}

export function newTransaction(status: Transaction["status"], isolation: Level): Transaction {
  return {
    status,
    isolation,
    snapshot: "none",
    writes: [],
    holds: [],
    sure: [],
    late: noEffects(),
    savepoints: [],
    touched: false,
    opaque: undefined,
  };
}

/** A copy that can be changed without changing the original. */
export function copyOf(state: SessionState): SessionState {
  const { late } = state.transaction;
  const lists = { reads: [...late.reads], freshReads: [...late.freshReads], writes: [...late.writes] };
  const copied = { ...late, ...lists, wants: [...late.wants], unlocks: [...late.unlocks] };
  return { ...state, transaction: { ...state.transaction, late: copied } };
}

/** Tables in which rows may be its transaction's own. */
export function writtenBy({ transaction }: SessionState): ReadonlySet<string> {
  return new Set(transaction.writes.map(({ table }) => table));
}

/** All locks that a session may have. */
export function locksOf({ transaction, advisory }: SessionState): readonly Lock[] {
  return [...transaction.holds, ...advisory];
}

/** A transaction is over: the next one begins anew. */
export function endTransaction(state: SessionState, status: Transaction["status"] = "none"): void {
  const isolation = status === "none" ? state.isolation : state.transaction.isolation;
  Object.assign(state.transaction, newTransaction(status, isolation));
}

/** Whether transactions of this level may fail by what others have read and written. */
export function isSerializable(level: Level): boolean {
  return level === "serializable" || level === "unknown";
}
