import { isTimer } from "../session/timer-step.js";
import type { Catalog } from "./catalog.js";
import type { Access } from "./effects.js";
import type { Footprint } from "./footprint.js";
import { excludes, type Lock } from "./locks.js";
import { statementsOf } from "./parse.js";
import { noDeed, union, type Deed } from "./deed.js";
import { perform, type Answer } from "./perform.js";
import { end, rollback } from "./transaction-control.js";
import { copyOf, endTransaction, locksOf, newSession, type Level, type SessionState } from "./session-state.js";

/** A pending step, as strategies see it. */
export interface PendingStep {
  readonly actor: string;
  readonly session: string;
  readonly kind: "statement" | "yield" | "crash";
  readonly text: string;
  readonly values: readonly unknown[];
  readonly fault?: "crash" | "lost answer" | "serialization failure" | "deadlock" | undefined;
}

/** How a step ended. */
export interface Ending {
  /** Of its session, now. */
  readonly transaction: "none" | "open" | "failed";
  readonly outcome: { readonly kind: "rows" | "error" | "passed"; readonly rowCount?: number | null };
  readonly waited: boolean;
}

/** A statement that was sent and has not answered. */
interface Sent {
  readonly footprint: Footprint;
  /** The same, should it turn out that it did not fail. */
  readonly unfailed: Footprint;
}

/**
 * The footprints of the steps of one execution.
 *
 * The contract: `sent` is called for each step when it is let go, and `taken` when it has answered, behind a wait or not,
 * before footprints of further steps are asked for. So at any choice those sent and not taken are the waiting ones.
 *
 * Assumed, as it cannot be seen from here: what actors share outside Postgres is touched only right behind a yield
 * point or by a crash; a connection that has state of its own (settings, temporary tables, prepared statements) is not
 * handed from one session to another; and, where it is not said what is shown, that numbers from sequences are compared
 * with none, and queries that care for the order of their rows have an ORDER BY.
 */
export class Footprints {
  readonly #catalog: Catalog;
  readonly #isolation: Level;
  readonly #shown: ReadonlySet<string> | undefined;
  readonly #sessions = new Map<string, SessionState>();
  readonly #sent = new Map<string, Sent>();
  /** Why the catalog is no longer what was read. */
  #outdated: string | undefined;

  /**
   * @param isolation That sessions begin with.
   * @param shown Where all that is answered counts, numbers from sequences included: tables whose rows are shown in the
   *   order in which they lie.
   */
  constructor(catalog: Catalog, isolation: Exclude<Level, "unknown">, shown?: ReadonlySet<string>) {
    this.#catalog = catalog;
    this.#isolation = isolation;
    this.#shown = shown;
  }

  /** What a pending step would do now. */
  of(step: PendingStep): Footprint {
    const before = this.#session(step);
    return this.#footprint(step, before, this.#deed(step, copyOf(before)), step.kind === "statement");
  }

  /**
   * Told of each step when it is let go.
   *
   * @returns What `of` says of it.
   */
  sent(step: PendingStep): Footprint {
    const before = this.#session(step);
    const deed = this.#deed(step, copyOf(before));
    const footprint = this.#footprint(step, before, deed, step.kind === "statement");
    this.#sent.set(step.session, { footprint, unfailed: this.#footprint(step, before, deed, false) });
    return footprint;
  }

  /**
   * Told of each step when it is over.
   *
   * @returns What it did, now that it is known whether it failed: never more than what `of` said before.
   */
  taken(step: PendingStep, after: Ending): Footprint {
    const sent = this.#sent.get(step.session);
    if (sent === undefined) throw new Error(`${step.session}: taken, but never sent: ${step.text}`);
    this.#sent.delete(step.session);
    const before = copyOf(this.#session(step));
    const state = this.#session(step);
    const { kind, rowCount } = after.outcome;
    const deed = this.#deed(step, state, kind === "rows" ? { rowCount, waited: after.waited } : undefined);
    if (deed.effects.defines) this.#outdated ??= `${deed.effects.opaque}, so tables may no longer be what they were`;
    if (isCrash(step) || step.fault === "lost answer") {
      this.#forget(step);
      return sent.footprint;
    }
    if (step.kind === "yield") return sent.footprint;
    if (kind === "error") {
      this.#fail(step, before, after);
      const { givesUp, holds } = sent.footprint;
      return { ...sent.footprint, givesUp: [...givesUp, ...holds] };
    }
    if (state.transaction.status !== after.transaction) endTransaction(state, after.transaction);
    const { publishes, effects } = deed;
    const done = {
      ...sent.unfailed,
      publishes,
      writes: publishes.length === 0 ? effects.writes : [],
      wants: effects.wants,
    };
    return done;
  }

  #session({ actor, session }: PendingStep): SessionState {
    const known = this.#sessions.get(session) ?? newSession(actor, this.#isolation);
    this.#sessions.set(session, known);
    return known;
  }

  #forget(step: PendingStep): void {
    const gone = isCrash(step) ? this.#sessionsOf(step.actor) : [step.session];
    for (const session of gone) {
      this.#sessions.delete(session);
      this.#sent.delete(session);
    }
  }

  #sessionsOf(actor: string): string[] {
    return [...this.#sessions].filter(([, state]) => state.actor === actor).map(([session]) => session);
  }

  /**
   * An error undoes what the statement did, and the locks of its transaction go at once; those from before a savepoint
   * stay, as do all of them if the error did not come from Postgres.
   */
  #fail(step: PendingStep, before: SessionState, after: Ending): void {
    const { advisory, transaction: tried } = this.#session(step);
    const { transaction } = before;
    this.#sessions.set(step.session, { ...before, advisory });
    if (after.transaction === "none") return endTransaction(before);
    const stay = step.fault !== undefined || transaction.savepoints.length > 0;
    Object.assign(transaction, {
      status: after.transaction,
      holds: stay ? [...transaction.holds, ...tried.holds.slice(transaction.holds.length)] : [],
      snapshot: tried.snapshot === transaction.snapshot ? tried.snapshot : "maybe",
      touched: transaction.touched || tried.touched,
    });
  }

  #deed(step: PendingStep, state: SessionState, answer?: Answer): Deed {
    if (isCrash(step)) return this.#crash(step);
    if (step.kind === "yield") return isTimer(step) ? opaqueDeed("time passes for everybody") : noDeed();
    if (step.fault === "serialization failure" || step.fault === "deadlock") return refused(state);
    const deed = this.#statements(step, state, answer);
    if (step.fault !== "lost answer") return deed;
    return union(deed, end(state));
  }

  #crash({ actor }: PendingStep): Deed {
    const ends = this.#sessionsOf(actor).map((session) => end(copyOf(this.#sessions.get(session)!)));
    const waiting = this.#sessionsOf(actor).flatMap((session) => this.#sent.get(session)?.footprint.wants ?? []);
    return ends.reduce(union, { ...noDeed(), givesUp: waiting });
  }

  #statements({ text, values }: PendingStep, state: SessionState, answer?: Answer): Deed {
    const statements = statementsOf(text);
    if (statements === undefined) {
      return opaqueDeed("its text cannot be parsed");
    }
    const [only] = statements;
    // Of several statements, the answer is of the last.
    if (statements.length === 1) return perform(state, only!, values, this.#catalog, answer);
    return statements.map((statement) => perform(state, statement, values, this.#catalog)).reduce(union, noDeed());
  }

  #footprint(step: PendingStep, state: SessionState, deed: Deed, mayFail: boolean): Footprint {
    const { effects, publishes, givesUp, snapshot, current, serializable, notifies, listens } = deed;
    const { holds } = state.transaction;
    const lost = step.kind === "yield" ? undefined : (this.#outdated ?? state.opaque);
    const footprint = {
      session: step.session,
      opaque: lost ?? effects.opaque,
      yields: step.kind === "yield" || isCrash(step),
      reads: current ? [...effects.reads, ...effects.freshReads] : effects.freshReads,
      snapshot,
      writes: publishes.length === 0 ? effects.writes : [],
      publishes,
      places: placesOf(effects.writes, this.#shown),
      draws: this.#shown !== undefined && effects.draws,
      wants: effects.wants,
      holds,
      givesUp,
      mayFail: mayFail && state.transaction.status === "open",
      probes: effects.probes || state.timeouts,
      waitsFor: this.#blockers(step.session, effects.wants),
      letsGo: this.#released(step, state, mayFail ? [...holds, ...givesUp] : givesUp),
      serializable,
      notifies,
      listens,
      listening: state.listening,
    };
    return footprint;
  }

  /** Sessions that one would wait for if it asked for these locks, and those that they wait for. */
  #blockers(session: string, wants: readonly Lock[], found = new Set<string>()): Set<string> {
    for (const [other, state] of this.#sessions) {
      if (other === session || found.has(other) || wants.length === 0) continue;
      const sent = this.#sent.get(other)?.footprint;
      const theirs = [...locksOf(state), ...(sent?.wants ?? [])];
      const isUnknown = (state.opaque ?? state.transaction.opaque ?? sent?.opaque) !== undefined;
      if (!isUnknown && !theirs.some((lock) => wants.some((want) => excludes(lock, want)))) continue;
      found.add(other);
      if (sent !== undefined) this.#blockers(other, sent.wants, found);
    }
    return found;
  }

  /** Waiting statements that may go on once these locks are given up, and those that wait for what they have. */
  #released(step: PendingStep, state: SessionState, locks: readonly Lock[]): Footprint[] {
    const isUnknown = (state.opaque ?? state.transaction.opaque) !== undefined;
    const waiting = new Map([...this.#sent].filter(([session]) => session !== step.session));
    const released: Footprint[] = [];
    let free = locks;
    for (let before = -1; before !== released.length;) {
      before = released.length;
      for (const [session, { footprint }] of waiting) {
        const { opaque, wants, holds } = footprint;
        const hit = wants.some((want) => free.some((lock) => excludes(lock, want)));
        if (!hit && !isUnknown && opaque === undefined) continue;
        waiting.delete(session);
        released.push(footprint);
        free = [...free, ...wants, ...holds];
      }
    }
    return released;
  }
}

const nowhere: ReadonlySet<string> = new Set();

function placesOf(writes: readonly Access[], shown: ReadonlySet<string> | undefined): ReadonlySet<string> {
  if (shown === undefined) return nowhere;
  return new Set(writes.map(({ table }) => table).filter((table) => shown.has(table)));
}

/** The actor's process dies before what it was about to do. */
function isCrash({ kind, fault }: PendingStep): boolean {
  return kind === "crash" || fault === "crash";
}

/** An error instead of the statement: nothing is done, and what the transaction holds may be given up. */
function refused(state: SessionState): Deed {
  const open = state.transaction.status === "open";
  const { holds } = state.transaction;
  const deed = rollback(state);
  if (open) {
    state.transaction.status = "failed";
    state.transaction.holds = holds;
  }
  return deed;
}

function opaqueDeed(why: string): Deed {
  const deed = noDeed();
  deed.effects.opaque = why;
  return deed;
}
