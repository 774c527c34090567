import type { Generator } from "./sampling.js";
import type { Choice, Scheduler } from "./strategy.js";

/** How many steps an actor is taken to have of which nothing is known. */
const unknownLength = 8;

/**
 * Has faults happen, to a scheduler that only knows steps. For each fault that the program allows it is drawn beforehand
 * at which step of its actor it happens, each as likely as that it does not: at every step anew it would nearly always be
 * one of the first.
 *
 * @param lengths How many steps each actor has, as far as that is known.
 */
export function faulty(scheduler: Scheduler, generator: Generator, lengths: ReadonlyMap<string, number>): Scheduler {
  const due = new Map<string, number>();
  const taken = new Map<string, number>();
  const dueAt = ({ actor, fault }: Choice): number => {
    const key = `${fault} ${actor}`;
    const length = lengths.get(actor) ?? unknownLength;
    const at = due.get(key) ?? Math.floor(generator() * (length + 1));
    due.set(key, at);
    return at;
  };
  return {
    ...scheduler,
    choose(choices, last) {
      const steps = choices.filter(({ fault }) => fault === undefined);
      const chosen = scheduler.choose(steps, last);
      const step = steps[chosen];
      if (step === undefined) return chosen;
      const count = taken.get(step.actor) ?? 0;
      taken.set(step.actor, count + 1);
      const fault = choices.findIndex(
        (choice) =>
          choice.fault !== undefined &&
          choice.actor === step.actor &&
          (choice.kind === "crash" || choice.session === step.session) &&
          count >= dueAt(choice),
      );
      return fault < 0 ? choices.indexOf(step) : fault;
    },
  };
}
