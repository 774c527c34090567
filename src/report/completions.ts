import type { Step } from "../execution/trace.js";

/**
 * After which step each lock wait was over: for a step's index, the steps that had been waiting and went on then. Whoever
 * ended with an error comes first (a deadlock's victim lets the others go), then whoever had begun to wait first.
 */
export function completionsOf(steps: readonly Step[]): Map<number, Step[]> {
  const completions = new Map<number, Step[]>();
  const waiting = steps.filter(({ wait }) => wait !== null);
  for (const step of waiting.toSorted((a, b) => failed(b) - failed(a) || a.index - b.index)) {
    const after = endOf(steps, step);
    completions.set(after, [...(completions.get(after) ?? []), step]);
  }
  return completions;
}

/** A wait that ended by itself did so when nobody else could move: right before its session went on, for all we can tell. */
function endOf(steps: readonly Step[], step: Step): number {
  const next = steps.find(({ session, index }) => session === step.session && index > step.index);
  const until = step.wait?.until ?? (next?.index ?? steps.length) - 1;
  return Math.max(step.index, Math.min(until, steps.length - 1));
}

function failed(step: Step): number {
  return step.outcome.kind === "error" ? 1 : 0;
}
