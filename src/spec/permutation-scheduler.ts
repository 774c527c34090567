import { UsageError } from "../errors.js";
import { waitForWaiters, type Choice, type Scheduler } from "../strategy/strategy.js";
import type { Observer } from "./observer.js";
import type { Permutation, SpecFile } from "./spec-file.js";

export interface PermutationScheduler extends Scheduler {
  /** The session whose step has to be over before the next one may be launched; undefined once all are launched. */
  readonly awaited: string | undefined;
}

/**
 * Launches the steps of a permutation in its order. A step whose session is held up by an earlier one, because that waits
 * for a lock or because its markers delay the report of its completion, is launched once that is over.
 */
export function inOrder(permutation: Permutation, observer: Observer): PermutationScheduler {
  let next = 0;
  return {
    get awaited() {
      return permutation[next]?.step.session;
    },
    choose(choices: readonly Choice[]): number {
      const step = permutation[next];
      if (step === undefined) throw new RangeError("more steps than the permutation has");
      const { session } = step.step;
      // What the last launch brought about may be just what its markers waited for.
      if (observer.active(session) !== undefined) observer.lookAgain(session);
      if (observer.active(session) !== undefined) {
        if (observer.waiting.every(({ results }) => results !== undefined)) throw new EndlessMarkers(observer);
        return waitForWaiters;
      }
      next++;
      observer.launch(step);
      return choices.findIndex((choice) => choice.session === session);
    },
  };
}

/** Launches every session's steps in the order in which the file has them; which session is next is another's decision. */
export function freely({ sessions }: SpecFile, scheduler: Scheduler, observer: Observer): PermutationScheduler {
  const left = new Map(sessions.map(({ name, steps }) => [name, [...steps]]));
  return {
    awaited: undefined,
    taken: (step, after) => scheduler.taken?.(step, after),
    choose(choices: readonly Choice[], last: Choice | undefined): number {
      const chosen = scheduler.choose(choices, last);
      const step = left.get(choices[chosen]?.session ?? "")?.shift();
      if (step !== undefined) observer.launch({ step, markers: [] });
      return chosen;
    },
  };
}

/** Every step has answered, and yet some may not be reported: a permutation with such markers can never end. */
export class EndlessMarkers extends UsageError {
  constructor({ waiting }: Pick<Observer, "waiting">) {
    const names = waiting.map(({ step }) => step.step.name).join(", ");
    super(
      `the permutation cannot go on: by their markers these steps wait for each other, or for notices that never came: ${names}`,
    );
  }
}
