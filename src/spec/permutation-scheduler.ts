import { RaceproofError } from "../errors.js";
import { waitForWaiters, type Choice, type Scheduler } from "../strategy/strategy.js";
import type { Observer } from "./observer.js";
import type { Permutation } from "./spec-file.js";

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
        if (observer.waiting.every(({ output }) => output !== undefined)) throw markersHangUp(observer);
        return waitForWaiters;
      }
      next++;
      observer.launch(step);
      return choices.findIndex((choice) => choice.session === session);
    },
  };
}

/** Every step has answered, and yet none may be reported. */
export function markersHangUp({ waiting }: Pick<Observer, "waiting">): RaceproofError {
  const names = waiting.map(({ step }) => step.step.name).join(", ");
  return new RaceproofError(
    `the permutation cannot go on: by their markers these steps wait for each other, or for notices that never came: ${names}`,
  );
}
