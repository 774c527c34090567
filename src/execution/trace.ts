import type { FaultKind } from "../strategy/fault.js";
import type { Schedule } from "../strategy/schedule.js";
import type { Json, OperationCall } from "./program.js";

/** What the code under test got back from a step. */
export type Outcome =
  /** The statement answered. `rowCount` is what `pg` reports; `rows` (the first few) are kept in recorded runs only. */
  | {
      readonly kind: "rows";
      readonly command: string;
      readonly rowCount: number | null;
      readonly rows?: readonly Json[];
    }
  /** Postgres (or the driver) answered with an error; it reached the code under test as it is. */
  | { readonly kind: "error"; readonly code: string | null; readonly message: string }
  /** A yield point passed. */
  | { readonly kind: "passed" };

/** A lock wait, as Postgres told it. */
export interface Wait {
  /** Sessions that held it up when it began to wait. */
  readonly holders: readonly string[];
  /** Lock mode and object in Postgres' words, e.g. `ShareLock on transaction 727`. */
  readonly lock: string;
  /** Where, when Postgres says so, e.g. `row (run_id=1, partition_id=2) of worker_runs`. */
  readonly on: string | null;
  /** Index of the step whose completion let it go on; null when it ended by itself (a deadlock, a lock timeout). */
  readonly until: number | null;
}

/** One scheduled step: a statement, COMMIT included, or a named yield point. */
export interface Step {
  /** Position in the execution, from 0; reports count from 1. */
  readonly index: number;
  readonly actor: string;
  /** The connection: the actor's name, with `#2`, `#3`, … for further connections it holds at the same time. */
  readonly session: string;
  /** Index of the operation in the actor's list. */
  readonly operation: number;
  readonly kind: "statement" | "yield" | "crash";
  /** What went wrong with it, if the schedule had something go wrong. Of a lost answer, the outcome is what the code under test saw. */
  readonly fault?: FaultKind;
  /** The SQL as sent, the yield point's label, or what the actor was about to do when its process died. */
  readonly text: string;
  readonly values: readonly Json[];
  readonly outcome: Outcome;
  readonly wait: Wait | null;
  /** Of the session once the step was over. */
  readonly transaction: "none" | "open" | "failed";
  /** Recorded runs only: the model's display of what an outside reader sees after this step, column by column. */
  readonly display?: Readonly<Record<string, string>>;
}

/** How an operation went. */
export interface OperationRecord extends OperationCall {
  readonly actor: string;
  /** Index in the actor's list. */
  readonly index: number;
  /** How the model describes the call, if it does. */
  readonly label?: string;
  /** Indices of its first and last step; null when it took none. */
  readonly steps: readonly [first: number, last: number] | null;
  readonly result: OperationResult;
}

/** How an operation, or a part of one, ended: with an answer, with an error, or with the process that ran it. */
export type OperationResult = { readonly returned: Json } | { readonly threw: Thrown } | { readonly crashed: true };

/** A part of an operation that the model's reference knows by itself, as it was called. */
export interface CallRecord {
  readonly actor: string;
  /** Index of the operation in the actor's list. */
  readonly operation: number;
  readonly name: string;
  readonly parameters: Json;
  /** How many steps had been taken when it began, and when it ended: one call precedes another if it ended before that began. */
  readonly begin: number;
  readonly end: number;
  readonly result: OperationResult;
}

/** What an outside reader sees after a COMMIT. */
export interface Commit {
  /** Index of the step. */
  readonly step: number;
  readonly state: Trace["state"];
}

/** An error that left an operation. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  /** SQLSTATE, when it came from Postgres. */
  readonly code: string | null;
}

/** The record of one execution. */
export interface Trace {
  readonly steps: readonly Step[];
  readonly operations: readonly OperationRecord[];
  /** What operations called by `context.call`; left out where none did. */
  readonly calls?: readonly CallRecord[];
  /** The decisions taken, normalised: following them gives the same steps. */
  readonly schedule: Schedule;
  /** Rows of the model's state queries once everything was quiet. */
  readonly state: Readonly<Record<string, readonly { readonly [column: string]: Json }[]>>;
  /** Recorded runs only: the model's display before the first step. */
  readonly displayBefore?: Readonly<Record<string, string>>;
}
