import type { Pool } from "pg";
import type { Choice, Observed } from "../strategy/strategy.js";
import type { Address, Lane } from "./lane.js";
import type { AnyModel, Broken } from "./model.js";
import type { Program } from "./program.js";
import type { Commit, Step, Trace } from "./trace.js";

/** What is to be executed. */
export interface Assignment {
  readonly model: AnyModel;
  readonly implementation: string;
  readonly program: Program;
  /** Handed to implementations and operations; resolves to the lane by itself. */
  readonly pool: Pool;
  /** Whether to keep rows, the rows that locks are about, and the display after every step. */
  readonly record: boolean;
  /**
   * Whether the tables are to be as they are in a new database down to the places of their rows, on which the order of
   * rows without `order by` depends. It takes several milliseconds; a replay deserves them, and so does what is recorded.
   */
  readonly pristine?: boolean;
  /** Looks on. */
  readonly observer?: Observer;
  /** Called before each step that is about to be taken, and after the last one; nothing moves until it has resolved. */
  readonly pause?: Pause;
  /** For callers that look after the database and its connections themselves: nothing is reset before, or tidied up after. */
  readonly keeper?: Keeper;
}

/** Waits at a moment between two steps for as long as it likes; what it throws ends the execution. */
export type Pause = (moment: Moment) => Promise<void>;

/** A moment between two steps. */
export interface Moment {
  /** How many steps have been taken. */
  readonly taken: number;
  /** The last of them, as far as it has come. */
  readonly last: Step | undefined;
  /** What is about to be taken; undefined at the end. */
  readonly next: Choice | undefined;
  /** Sessions whose statement waits for a lock. */
  readonly waiting: readonly string[];
  readonly address: Address;
}

/** Who looks after what an execution would look after otherwise. */
export interface Keeper {
  /** No step is to be taken before one of these has gone on; they may need help, e.g. to be cancelled. */
  onlyWaiters(pids: readonly number[]): void;
  /** Whether a deadlock must have found its victim before another step is taken. */
  readonly victimsFirst: boolean;
}

/** Looks on while an execution goes on. */
export interface Observer {
  /**
   * Called before the first step, and after each one, while nothing moves.
   *
   * @param stack Of the code that issued the step.
   */
  look(lane: Lane, step: Step | undefined, stack: string | undefined): Promise<void>;
}

/** How long is waited for what is not under control, in milliseconds. */
export interface Limits {
  /** For an actor that neither issues a statement nor ends. */
  readonly uncontrolled: number;
  /** For a statement that neither answers nor waits for a lock of ours. */
  readonly statement: number;
}

export const defaultLimits: Limits = { uncontrolled: 2_000, statement: 10_000 };

/** What an execution did, and what it left. */
export interface Executed extends Observed {
  readonly trace: Trace;
  /** What the model's `world` made, as the execution left it. */
  readonly world: unknown;
  /** What the implementation's `create` made. */
  readonly implementation: unknown;
  /** What an outside reader saw after each COMMIT; empty unless the model has an invariant that looks at it. */
  readonly commits: readonly Commit[];
  /** What the code under test left behind, in words. */
  readonly left: readonly string[];
  /** What actors did in the outside world that cannot be scheduled, in words. */
  readonly uncontrolled: readonly string[];
  /** What invariants found that look by themselves. */
  readonly seen: ReadonlyMap<string, Broken | undefined>;
}
