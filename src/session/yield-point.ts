import { callersStack } from "./caller.js";
import { currentActor, type ActorContext } from "./context.js";
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
    const stack = context.gate.wantsCallers ? callersStack() : undefined;
    context.gate.arrived(stepWithoutStatement(context, label, { stack, deliver: resolve, refuse: reject }));
  });
}

/**
 * A step that is no statement: nothing is sent when it is let through.
 *
 * @param passes Called when it is.
 */
export function stepWithoutStatement(
  context: ActorContext,
  text: string,
  rest: Pick<GatedStep, "stack" | "deliver" | "refuse">,
  passes?: () => void,
): GatedStep {
  let passed = false;
  return {
    ...rest,
    actor: context.actor,
    session: context.actor,
    operation: context.operation,
    kind: "yield",
    text,
    values: [],
    pid: null,
    canFail: false,
    go: () => {
      passed = true;
      passes?.();
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
  };
}
