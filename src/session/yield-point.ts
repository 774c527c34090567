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
    context.gate.arrived(new StepWithoutStatement(context, label, { stack, deliver: resolve, refuse: reject }));
  });
}

/** A step that is no statement: nothing is sent when it is let through. */
export class StepWithoutStatement implements GatedStep {
  readonly kind = "yield";
  readonly actor: string;
  readonly session: string;
  readonly operation: number;
  readonly values: readonly unknown[] = [];
  readonly pid = null;
  readonly canFail = false;
  readonly rows = undefined;
  readonly waits = 0;
  readonly lastWait = undefined;
  readonly transaction = "none";
  readonly lost = false;
  readonly stack: string | undefined;
  readonly deliver: () => void;
  readonly refuse: (error: Error) => void;
  outcome: GatedStep["outcome"];
  readonly #context: ActorContext;
  readonly #passes: (() => void) | undefined;

  /** @param passes Called when it is let through. */
  constructor(
    context: ActorContext,
    readonly text: string,
    { stack, deliver, refuse }: Pick<GatedStep, "stack" | "deliver" | "refuse">,
    passes?: () => void,
  ) {
    this.#context = context;
    this.actor = this.session = context.actor;
    this.operation = context.operation;
    this.stack = stack;
    this.deliver = deliver;
    this.refuse = refuse;
    this.#passes = passes;
  }

  go(): void {
    this.outcome = { kind: "passed" };
    this.#passes?.();
    this.#context.gate.changed();
  }

  lose(): Promise<readonly number[]> {
    return Promise.resolve([]);
  }
}
