import { firstDifference, type Difference } from "../execution/compare.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { Trace } from "../execution/trace.js";
import { judge } from "../oracle/judge.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import { follow, type Divergence } from "../strategy/follow.js";
import type { Schedule } from "../strategy/schedule.js";
import type { Scheduler } from "../strategy/strategy.js";

/** What following a recorded schedule led to. */
export type Replay = Ended & {
  /** Where the steps are not the same, the first that differs, and what differs about it. */
  readonly difference: Difference | undefined;
} & (
    | {
        /** Same steps, broken in the same way. */
        readonly kind: "reproduced";
      }
    /** Same steps, and nothing is broken. */
    | { readonly kind: "fixed" }
    /** Same steps, and something else is broken. */
    | { readonly kind: "changed" }
    /** The steps are not the same. */
    | { readonly kind: "diverged"; readonly difference: Difference }
  );

/** What an execution came to. */
export interface Ended {
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

/** A run to compare with. */
export interface Recording extends Ended {
  readonly schedule: Schedule;
}

/**
 * Runs an assignment under a recorded schedule and compares it, step by step, with the record. Where the schedule cannot
 * be followed, it goes on without the switch, so that the first difference is found and not only what came of it.
 *
 * @param wrap Puts a scheduler around the one that follows the schedule.
 */
export async function replay(
  lanes: Lanes,
  assignment: Assignment,
  recording: Recording,
  wrap?: (scheduler: Scheduler) => Scheduler,
): Promise<Replay> {
  return (await replayExecuted(lanes, assignment, recording, wrap)).replay;
}

/** The same, with the whole of what was executed. */
export async function replayExecuted(
  lanes: Lanes,
  assignment: Assignment,
  recording: Recording,
  wrap: (scheduler: Scheduler) => Scheduler = (scheduler) => scheduler,
): Promise<{ readonly replay: Replay; readonly executed: Executed }> {
  let missed: Divergence | undefined;
  const scheduler = wrap(follow(recording.schedule, (divergence) => (missed ??= divergence)));
  const executed = await executeAfresh(lanes, assignment, scheduler);
  const ended = endOf(assignment, executed);
  const difference = firstDifference(recording.trace, ended.trace) ?? (missed && differenceOf(missed));
  if (difference !== undefined) return { replay: { ...ended, kind: "diverged", difference }, executed };
  const kind = sameWay(ended, recording) ? "reproduced" : ended.violations.length === 0 ? "fixed" : "changed";
  return { replay: { ...ended, kind, difference }, executed };
}

/** Runs an assignment under a scheduler, on tables as they are in a new database, and judges it. */
export async function run(lanes: Lanes, assignment: Assignment, scheduler: Scheduler): Promise<Ended> {
  return endOf(assignment, await executeAfresh(lanes, assignment, scheduler));
}

function executeAfresh(lanes: Lanes, assignment: Assignment, scheduler: Scheduler): Promise<Executed> {
  return lanes.run((lane) => execute(lane, { ...assignment, pristine: true }, scheduler));
}

function endOf({ model, program }: Assignment, executed: Executed): Ended {
  return { trace: executed.trace, violations: judge(model, program, executed) };
}

/** Whether two executions broke the same invariants in the same way. */
export function sameWay(a: Ended, b: Ended): boolean {
  return signatureOf(a.violations) === signatureOf(b.violations);
}

function differenceOf({ step, message }: Divergence): Difference {
  return { step, what: "who takes it", recorded: "a switch", now: message };
}
