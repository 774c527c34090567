import type { Choice, Observed, Scheduler, Search } from "../../src/strategy/strategy.js";
import { choice } from "./choices.js";

/** Actors by name, each with the texts of its steps; they never wait, and nothing of theirs ever fails by itself. */
export type Script = Readonly<Record<string, readonly string[]>>;

/** A fault that may happen to an actor at any of its steps, once. */
export interface ScriptedFault {
  readonly actor: string;
  readonly fault: "crash" | "deadlock";
}

const after = { transaction: "none", outcome: { kind: "rows" }, waited: false } as const;

/** Runs a script under a scheduler, without a database. */
export function playScript(script: Script, scheduler: Scheduler, faults: readonly ScriptedFault[] = []): Observed {
  const left = new Map(
    Object.entries(script).map(([actor, texts]) => [actor, texts.map((text) => choice(actor, actor, text))]),
  );
  const observed = { pending: [] as Choice[][], chosen: [] as number[] };
  let last: Choice | undefined;
  let allowed = [...faults];
  for (;;) {
    const steps = [...left.values()].flatMap(([next]) => next ?? []);
    if (steps.length === 0) break;
    const offered = allowed.flatMap(({ actor, fault }): Choice[] => {
      const step = steps.find((each) => each.actor === actor);
      return step === undefined ? [] : [{ ...step, fault, kind: fault === "crash" ? "crash" : step.kind }];
    });
    const choices = [...steps, ...offered];
    const chosen = scheduler.choose(choices, last);
    last = choices[chosen]!;
    const { actor, fault } = last;
    observed.pending.push(choices);
    observed.chosen.push(chosen);
    allowed = allowed.filter((each) => each.actor !== actor || each.fault !== fault);
    if (fault === "crash") left.set(actor, []);
    else left.get(actor)!.shift();
    scheduler.taken?.(last, after);
  }
  return { ...observed, answers: observed.chosen.map((_, step) => ({ step, during: step, after })) };
}

/** Who took the steps, with a `!` behind what went wrong. */
export function orderOf({ pending, chosen }: Observed): string {
  return chosen
    .map((at, step) => pending[step]![at]!)
    .map(({ actor, fault }) => `${actor}${fault === undefined ? "" : "!"}`)
    .join("");
}

/** The orders that a search runs, one after the other, up to a number. */
export function ordersOf(
  search: Search,
  script: Script,
  most: number,
  faults: readonly ScriptedFault[] = [],
): string[] {
  const orders: string[] = [];
  while (orders.length < most) {
    const scheduler = search.next();
    if (scheduler === undefined) break;
    const observed = playScript(script, scheduler, faults);
    search.learn(observed);
    orders.push(orderOf(observed));
  }
  return orders;
}
