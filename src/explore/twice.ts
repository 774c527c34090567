import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { firstDifference } from "../execution/compare.js";
import { execute, type Assignment } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { Trace } from "../execution/trace.js";
import { Divergence } from "../strategy/follow.js";
import type { RepeatableScheduler } from "../strategy/repeat.js";

/** Of the executions that broke nothing new, one in so many is run twice; at least so many, where there are few. */
const sampled = { oneIn: 64, least: 8 };

/**
 * Whether an execution is one of the sample that is run twice. It goes through the strands and through each of them, as
 * every strand has programs of its own.
 *
 * @param strand Its index.
 * @param number Of the execution in its strand, from 0.
 * @param executions The budget of the exploration; Infinity for no limit.
 */
export function isSampled(strand: number, number: number, executions: number): boolean {
  const oneIn = Math.min(sampled.oneIn, Math.max(1, Math.floor(executions / sampled.least)));
  return (strand + number) % oneIn === 0;
}

/**
 * Runs an execution once more, in the same order of steps, and compares the two. Where they differ, something decides
 * that is not under control (a clock, a random number, another process), and nothing can be concluded from either.
 *
 * @param scheduler The one that it was run under, and the trace of that.
 * @returns What differs, in words; undefined when nothing does.
 */
export async function differsWhenRunTwice(
  lanes: Lanes,
  assignment: Assignment,
  scheduler: RepeatableScheduler,
  trace: Trace,
): Promise<string | undefined> {
  try {
    const again = await lanes.run((lane) => execute(lane, { ...assignment, pristine: true }, scheduler.again()));
    const difference = firstDifference(trace, again.trace);
    if (difference === undefined) return undefined;
    const { step, what, recorded, now } = difference;
    return differing(step, `${what}: first ${recorded}, then ${now}`);
  } catch (error) {
    if (error instanceof Divergence) return differing(error.step, error.message);
    if (error instanceof PostgresError || error instanceof UsageError || !(error instanceof RaceproofError))
      throw error;
    return `uncontrolled nondeterminism: an execution could not be finished a second time: ${error.message}`;
  }
}

function differing(step: number, how: string): string {
  return `uncontrolled nondeterminism: two executions in the same order of steps differ at step ${step + 1}: ${how}`;
}
