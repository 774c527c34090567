import type { Condition } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import type { Violation } from "../oracle/violation.js";
import type { Schedule } from "../strategy/schedule.js";
import type { Minimality } from "./minimality.js";
import type { Size } from "./size.js";

/** `raceproof/counterexample@1`: a program, the schedule that breaks it, its record, and what broke. The file that replays. */
export interface Counterexample {
  readonly schema: "raceproof/counterexample@1";
  /** The model, and the module it came from relative to the working directory; null for one that ships with raceproof. */
  readonly model: { readonly name: string; readonly module: string | null };
  readonly implementation: string;
  /** Under what it was found. */
  readonly condition: Condition;
  readonly signature: string;
  readonly violations: readonly Violation[];
  readonly program: Program;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly shrink: {
    readonly to: Size;
    /** How sure it is that there is nothing smaller; left out where nobody looked. */
    readonly minimality?: Minimality;
    /** What it was when it was found, and how many executions lie between. Not in the file. */
    readonly from?: Size;
    readonly executions?: number;
  };
  /** With which it was found. Not in the file: whoever finds the same race writes the same file. */
  readonly seed?: string;
  /** Replays of the final form before it was written, and how many of them gave the same trace. */
  readonly confirmed: { readonly reproduced: number; readonly times: number };
  readonly environment: {
    readonly raceproof: string;
    readonly postgres: {
      readonly version: string;
      readonly kind: string;
      readonly settings: Readonly<Record<string, string>>;
    };
  };
}
