import { firstDifference, type Difference } from "../execution/compare.js";
import { execute, type Assignment } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { Trace } from "../execution/trace.js";
import { judge } from "../oracle/judge.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import { Divergence, follow } from "../strategy/follow.js";
import type { Schedule } from "../strategy/schedule.js";

/** What following a recorded schedule led to. */
export type Replay =
  /** Same steps, broken in the same way. */
  | { readonly kind: "reproduced"; readonly trace: Trace; readonly violations: readonly Violation[] }
  /** Same steps, but nothing is broken, or something else. */
  | { readonly kind: "changed"; readonly trace: Trace; readonly violations: readonly Violation[] }
  /** The steps are not the same. `trace` is undefined where the schedule could not be followed to the end. */
  | { readonly kind: "diverged"; readonly difference: Difference; readonly trace: Trace | undefined };

/** A run to compare with. */
export interface Recording {
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

/** Runs an assignment under a recorded schedule and compares it, step by step, with the record. */
export async function replay(lanes: Lanes, assignment: Assignment, recording: Recording): Promise<Replay> {
  const { model, program } = assignment;
  try {
    const executed = await lanes.run((lane) =>
      execute(lane, { ...assignment, pristine: true }, follow(recording.schedule)),
    );
    const { trace } = executed;
    const difference = firstDifference(recording.trace, trace);
    if (difference !== undefined) return { kind: "diverged", difference, trace };
    const violations = judge(model, program, executed);
    const same = signatureOf(violations) === signatureOf(recording.violations);
    return { kind: same ? "reproduced" : "changed", trace, violations };
  } catch (error) {
    if (!(error instanceof Divergence)) throw error;
    const expected = recording.trace.steps[error.step];
    const recorded =
      expected === undefined ? "no further step" : `${expected.session}: ${expected.text.replace(/\s+/g, " ").trim()}`;
    return {
      kind: "diverged",
      difference: { step: error.step, what: "who takes it", recorded, now: error.message },
      trace: undefined,
    };
  }
}
