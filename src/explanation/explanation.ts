import type { OperationRecord, Step, Trace } from "../execution/trace.js";

/**
 * What was found out about a counterexample by running it again, and running what is next to it. All of it was seen, not
 * concluded: what could not be seen is left out.
 */
export interface Explanation {
  /** The code that issued each step, by the step's index; null where it is none of the project's. */
  readonly sites: readonly (Site | null)[];
  /** The lines around these places. */
  readonly sources: readonly Source[];
  /** What could be seen before the first step and after each one. */
  readonly views: readonly View[];
  /** What happened before what, and why, where that is not the order within one actor and does not follow from the rest. */
  readonly edges: readonly Edge[];
  /** Answers that were no longer true when their actor wrote. */
  readonly stale: readonly Stale[];
  /** The nearest order in which what broke holds; null where there are no two steps whose order matters. */
  readonly swap: Swap | null;
}

/** A place in the code. */
export interface Site {
  /** Relative to the working directory, with slashes. */
  readonly file: string;
  readonly line: number;
  /** The function that it stands in, where it has a name. */
  readonly function: string | null;
}

/** Consecutive lines of a file. */
export interface Source {
  readonly file: string;
  /** Number of the first line, from 1. */
  readonly from: number;
  readonly lines: readonly string[];
}

/** Rows of the model's state queries, by their names. */
type Rows = Trace["state"];

/** What could be seen at one moment. */
export interface View {
  /** By everybody; left out where it is what it was before. */
  readonly committed?: Rows;
  /** By the open transaction of a session; only where it could be asked, and of its tables those that differ. */
  readonly sessions?: Readonly<Record<string, Rows>>;
}

/** One step came before another, and had to: they conflict. */
export interface Edge {
  /** Indices of steps. */
  readonly from: number;
  readonly to: number;
  /** E.g. `both write t (id = 1)`. */
  readonly reason: string;
}

/** A query whose answer another actor changed before its own actor wrote. */
export interface Stale {
  /** Index of the step that read. */
  readonly read: number;
  /** Index of the step behind which the same query is answered otherwise. */
  readonly since: number;
  /** Index of the step that wrote what `since` published: itself, or one of its transaction; null where that is not sure. */
  readonly write: number | null;
  /** Index of the first step after that by which the reader's operation wrote. */
  readonly used: number;
  /** The answers: how many rows, and the first few. */
  readonly before: Answer;
  readonly after: Answer;
}

/** How a query is answered. */
export interface Answer {
  readonly rowCount: number;
  readonly rows: Rows[string];
}

/** Two steps that conflict, taken the other way round, and what broke holds. */
export interface Swap {
  /** Executions that were tried, each with two neighbouring steps swapped. */
  readonly tried: number;
  /** Null where each of them breaks it, too. */
  readonly passing: Passing | null;
}

/** An execution that breaks nothing of what the counterexample breaks. */
export interface Passing {
  /** Indices, in the counterexample, of the steps that were swapped. */
  readonly first: number;
  readonly second: number;
  /** Why their order matters. */
  readonly reason: string;
  /** What it breaks that is not the counterexample's: the code may have bugs that no order of these steps avoids. */
  readonly breaks: readonly string[];
  readonly steps: readonly Step[];
  readonly operations: readonly OperationRecord[];
  readonly displayBefore?: Readonly<Record<string, string>>;
}
