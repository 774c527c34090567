import type { Explanation } from "../explanation/explanation.js";
import type { Condition } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { Step, Trace } from "../execution/trace.js";
import type { Violation } from "../oracle/violation.js";
import type { Schedule } from "../strategy/schedule.js";

/** How large a failing execution is. */
export interface Size {
  readonly actors: number;
  readonly operations: number;
  /** Things that went wrong. */
  readonly faults: number;
  readonly steps: number;
  /** Changes from one actor to another between neighbouring steps. */
  readonly switches: number;
}

/** A step of the execution that was found, before it was shrunk. */
export type OriginalStep = Pick<Step, "actor" | "session" | "kind" | "text" | "fault">;

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
  /** Why it breaks, as far as running it again told; left out where nothing was told. */
  readonly explanation?: Explanation;
  /** The steps of what was found, where that was larger. */
  readonly original?: readonly OriginalStep[];
  readonly seed: string;
  /** What it was when it was found, what it is now, and how many executions lie between. */
  readonly shrink: { readonly from: Size; readonly to: Size; readonly executions: number };
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
