import type { Step, Trace } from "../execution/trace.js";

/** How large a failing execution is. */
export interface Size {
  readonly actors: number;
  readonly operations: number;
  /** Things that went wrong. */
  readonly faults: number;
  /** Switches away from an actor that could have gone on. */
  readonly preemptions: number;
  /** Changes from one actor to another between neighbouring steps. */
  readonly switches: number;
  readonly steps: number;
}

/** How large an execution is: what took part in it, not what was planned. */
export function sizeOf(trace: Trace): Size {
  const operations = trace.operations.filter(({ steps }) => steps !== null);
  const decided = new Set(trace.schedule.map(({ step }) => step));
  const switches = trace.steps.filter((step, i) => i > 0 && step.actor !== trace.steps[i - 1]!.actor);
  return {
    actors: new Set(operations.map(({ actor }) => actor)).size,
    operations: operations.length,
    faults: trace.steps.filter(({ fault }) => fault !== undefined).length,
    preemptions: switches.filter(({ index }) => decided.has(index) && couldGoOn(trace.steps, index - 1)).length,
    switches: switches.length,
    steps: trace.steps.length,
  };
}

/** Whether the actor of a step had another one to take right behind it. */
function couldGoOn(steps: readonly Step[], index: number): boolean {
  const { actor, wait } = steps[index]!;
  const waits = wait !== null && wait.until !== null && wait.until > index;
  return !waits && steps.some((step) => step.index > index && step.actor === actor);
}

/**
 * What "smaller" means, wherever something is shrunk or said to be minimal: fewer operations, then fewer faults, then
 * fewer preemptions, then fewer switches, then fewer steps, then fewer actors.
 */
export function compareSizes(a: Size, b: Size): number {
  return (
    a.operations - b.operations ||
    a.faults - b.faults ||
    a.preemptions - b.preemptions ||
    a.switches - b.switches ||
    a.steps - b.steps ||
    a.actors - b.actors
  );
}
