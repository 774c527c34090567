import type { Trace } from "../execution/trace.js";
import type { Size } from "./counterexample.js";

/** How large an execution is: what took part in it, not what was planned. */
export function sizeOf(trace: Trace): Size {
  const operations = trace.operations.filter(({ steps }) => steps !== null);
  return {
    actors: new Set(operations.map(({ actor }) => actor)).size,
    operations: operations.length,
    faults: trace.steps.filter(({ fault }) => fault !== undefined).length,
    steps: trace.steps.length,
    switches: trace.steps.filter((step, i) => i > 0 && step.actor !== trace.steps[i - 1]!.actor).length,
  };
}

/** Smaller first: fewer operations, then fewer faults, then fewer switches, then fewer steps, then fewer actors. */
export function compareSizes(a: Size, b: Size): number {
  return (
    a.operations - b.operations ||
    a.faults - b.faults ||
    a.switches - b.switches ||
    a.steps - b.steps ||
    a.actors - b.actors
  );
}
