import { proofOf, stillWanted, withoutRows } from "./answer.js";
import type { Catalog } from "./catalog.js";
import { noDeed, type Deed } from "./deed.js";
import { add, type Effects } from "./effects.js";
import { ownEffects } from "./own-statements.js";
import type { Tree } from "./parse.js";
import { isSerializable, writtenBy, type SessionState } from "./session-state.js";
import { effectsOf } from "./statement.js";
import { control } from "./transaction-control.js";
import { field } from "./work.js";

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
  if (kind === "TransactionStmt") return control(state, field(statement, kind));
  // "current transaction is aborted, commands ignored until end of transaction block"
  if (state.transaction.status === "failed") return noDeed();
  const special = ownEffects(state, statement, values, catalog);
  if (special !== undefined) return run(state, special, takesNoSnapshot.has(kind) ? "none" : "maybe");
  const effects = effectsOf(statement, { catalog, values, temporary: state.temporary, written: writtenBy(state) });
  const { sure, missed } = proofOf(statement, effects, answer?.rowCount, answer?.waited === true, catalog);
  const { holds } = state.transaction;
  const deed = run(state, missed ? missing(effects, kind) : effects, takesNoSnapshot.has(kind) ? "none" : "taken");
  if (missed && state.transaction.status === "open")
    state.transaction.holds = [...holds, ...withoutRows(effects.wants)];
  if (state.transaction.status === "open") state.transaction.sure = [...state.transaction.sure, ...sure];
  return deed;
}

/** What a statement does that found nothing; it may be for keys that are there, or for locks that others have. */
function missing(effects: Effects, kind: string): Effects {
  const hasLooked = kind === "InsertStmt" || effects.probes;
  return { ...effects, writes: [], wants: hasLooked ? effects.wants : withoutRows(effects.wants) };
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

function touches({ reads, freshReads, writes }: Effects): boolean {
  return reads.length + freshReads.length + writes.length > 0;
}
