import { callersStack } from "./caller.js";
import { currentActor } from "./context.js";
import type { GatedStep } from "./gate.js";

/**
 * A step by hand: the caller goes on when the schedule lets it. For what actors share outside Postgres (a queue, a
 * cache): everything up to the next step is atomic. Outside an execution it does nothing, so it may stay in the code.
 *
 * @param label What the step is, for reports, e.g. `receive message`.
 */
export function yieldPoint(label: string): Promise<void> {
  const context = currentActor();
  if (context === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let passed = false;
    const step: GatedStep = {
      actor: context.actor,
      session: context.actor,
      operation: context.operation,
      kind: "yield",
      text: label,
      values: [],
      pid: null,
      stack: context.gate.wantsCallers ? callersStack() : undefined,
      canFail: false,
      go: () => {
        passed = true;
        context.gate.changed();
      },
      get outcome() {
        return passed ? ({ kind: "passed" } as const) : undefined;
      },
      rows: undefined,
      waits: 0,
      lastWait: undefined,
      transaction: "none",
      lost: false,
      lose: () => Promise.resolve([]),
      deliver: resolve,
      refuse: reject,
    };
    context.gate.arrived(step);
  });
}
