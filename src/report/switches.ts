import type { Step } from "../execution/trace.js";

/** Why another actor goes on: the one before waits for a lock, has nothing left to do, or the schedule chose so. */
export type SwitchReason = "waits" | "is done" | "scheduled";

/** By the index of the step that another actor takes than the one before: why. */
export function switchesOf(steps: readonly Step[]): Map<number, SwitchReason> {
  const switches = new Map<number, SwitchReason>();
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    if (before !== undefined && before.actor !== step.actor) switches.set(index, reasonOf(before.actor, index, steps));
  }
  return switches;
}

function reasonOf(actor: string, index: number, steps: readonly Step[]): SwitchReason {
  const own = steps.filter((step) => step.actor === actor);
  const isWaiting = own.some(
    (step) => step.index < index && step.wait !== null && (step.wait.until ?? Infinity) >= index,
  );
  if (isWaiting) return "waits";
  return own.some((step) => step.index > index) ? "scheduled" : "is done";
}
