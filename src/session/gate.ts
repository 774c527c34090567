import type { Outcome } from "./outcome.js";
import type { ActorContext } from "./context.js";
import type { VirtualClock } from "./virtual-clock.js";
import type { Connections } from "./connections.js";

/** A step that wants to be taken: the head of a session's queue, or a yield point. */
export interface GatedStep {
  readonly actor: string;
  /** The actor's name, with `#2`, `#3`, … for further connections it holds at the same time. */
  readonly session: string;
  /** Index of the actor's operation that wants it. */
  readonly operation: number;
  readonly kind: "statement" | "yield";
  /** The SQL as sent, or the label. */
  readonly text: string;
  /** The parameters as sent. */
  readonly values: readonly unknown[];
  /** Backend that will run it; null for a yield point. */
  readonly pid: number | null;
  /** The stack of the code that issued it, where the gate wants to know; `\n\n` stands between the parts of one that was interrupted. */
  readonly stack: string | undefined;
  /** Whether it can be let through as something else: a statement that is sent as a text. */
  readonly canFail: boolean;
  /**
   * Lets it through. It then either answers or begins to wait for a lock.
   *
   * @param instead SQL to send in its place, whose error it is to get.
   */
  go(instead?: string): void;
  /** What came back; undefined until it has answered. */
  readonly outcome: Outcome | undefined;
  /** The rows that came back, for the record; undefined where there are none to show. */
  readonly rows: readonly unknown[] | undefined;
  /** How often Postgres reported it as waiting for a lock, and the last report. */
  readonly waits: number;
  readonly lastWait: LockWait | undefined;
  /** State of its session's transaction, once it has answered. */
  readonly transaction: "none" | "open" | "failed";
  /** Whether its connection went away, and not by the doing of the code under test. */
  readonly lost: boolean;
  /**
   * Once it has answered: breaks its connection before the answer arrives, so that what is delivered is what the driver
   * makes of that.
   *
   * @returns The backends that are to end by it.
   */
  lose(): Promise<readonly number[]>;
  /** Hands the answer to the code under test, which then runs on. */
  deliver(): void;
  /** Fails it without running it. */
  refuse(error: Error): void;
}

/** What Postgres says of a lock wait. */
export interface LockWait {
  /** Mode and object, e.g. `ShareLock on transaction 727`. */
  readonly lock: string;
  /** Relation and tuple where Postgres names them, e.g. `while updating tuple (0,1) in relation "t"`. */
  readonly where: string | null;
}

/**
 * Whoever schedules, as the session room sees it.
 *
 * The session room reports what the code under test does; nothing moves until the gate calls {@link GatedStep.go}.
 */
export interface Gate {
  /** Where this execution's connections go. */
  readonly connections: Connections;
  /** The time that actors live by; undefined where it is everybody's. */
  readonly clock: VirtualClock | undefined;
  /** Whether steps are to know the code that issued them. */
  readonly wantsCallers: boolean;
  /** A step wants to be taken. */
  arrived(step: GatedStep): void;
  /** Something the gate may be waiting for has changed: an answer, a lock wait, a lost connection. */
  changed(): void;
  /**
   * The actor is held up by something of ours that needs no scheduling (a connection being opened). Call the result when
   * it is over, with what is to happen then: it happens in the order of the calls of `busy`, whichever was over first.
   */
  busy(actor: string): (next: () => void) => void;
  /** The actor waits for another to give a pooled connection back. Call the result when it is over. */
  queued(actor: string): (next: () => void) => void;
  /** The lowest number, from 1, that names none of the connections that this actor holds or has asked for; released with {@link giveBack}. */
  takeSlot(actor: string): number;
  giveBack(actor: string, slot: number): void;
  /** Code of an actor failed where nobody catches it: in a callback, or in a promise that nobody awaits. */
  crashed(context: ActorContext, error: unknown): void;
  /** An actor did something in the outside world that cannot be scheduled, in a few words. */
  uncontrolled(what: string): void;
  /** Nothing can be told of this execution any more: it fails with this error, whatever the code under test makes of it. */
  fail(error: Error): void;
  /** Whether the process of the code that calls has died: it is to get no answer. */
  isDead(context: ActorContext): boolean;
  /** Whether the execution has ended: an actor that goes on all the same is told so, or nothing at all. */
  readonly over: boolean;
  /** What to fail a late call with; undefined when it is to get no answer. To be called once for each. */
  tooLate(actor: string): Error | undefined;
}
