import type { VerdictFile } from "../explore/verdict.js";
import type { Counterexample } from "../shrink/counterexample.js";

/** One counterexample of a report. */
export interface Told {
  readonly counterexample: Counterexample;
  /** Its file, as the verdict names it. */
  readonly file: string;
  /** The command line that replays it. */
  readonly replayCommand: string;
}

/** What every format tells: a verdict with its counterexamples, or counterexamples alone. */
export interface Report {
  readonly verdict: VerdictFile | null;
  readonly counterexamples: readonly Told[];
}
