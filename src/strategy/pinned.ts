import { defaultChoice } from "./schedule.js";
import type { FaultKind } from "./fault.js";
import type { Choice, Scheduler } from "./strategy.js";

/** One leg of a pinned timeline: this actor runs, and nobody else. */
export interface Leg {
  readonly actor: string;
  /**
   * Stop before the first of its yield points with this label, or statements that begin with this text. Without it the
   * leg ends when the actor has nothing left to run, or waits for a lock.
   */
  readonly until?: string;
  /** Before which of these, counted from the beginning of the leg. Default: the first. */
  readonly nth?: number;
  /** What goes wrong with the actor's next step once it has come there, if the program allows it. */
  readonly fault?: FaultKind;
}

/** A pinned timeline does not fit: the actor never came to the place where its leg was to stop. */
export class MissedPin extends Error {
  override readonly name = "MissedPin";
}

export interface PinnedScheduler extends Scheduler {
  /** Once everything has run: the first leg that did not come to where it was to stop, as an error. */
  missed(): MissedPin | undefined;
}

/**
 * Runs the legs one after the other, then every actor to its end. Pinned by what actors are about to do and not by a
 * number of steps, one timeline fits implementations with different statements.
 *
 * @throws {MissedPin} From `choose`, when a leg with an `until` ends without coming to it.
 */
export function pinned(legs: readonly Leg[]): PinnedScheduler {
  let leg = 0;
  /** How often the leg at hand has come to such a place. */
  let met = 0;
  const isThere = (choice: Choice, { until, nth = 1 }: Leg) =>
    until !== undefined && isAt(choice, until) && ++met >= nth;
  return {
    missed() {
      const unmet = legs.slice(leg).find(({ until }) => until !== undefined);
      return unmet?.until === undefined ? undefined : missed(unmet.actor, unmet.until);
    },
    choose(choices, last) {
      for (; leg < legs.length; leg++, met = 0) {
        const { actor, until, fault } = legs[leg]!;
        const next = choices.findIndex((choice) => choice.actor === actor && choice.fault === undefined);
        const there = next >= 0 && isThere(choices[next]!, legs[leg]!);
        if (fault !== undefined && (there || until === undefined)) {
          const wrong = choices.findIndex((choice) => choice.actor === actor && choice.fault === fault);
          if (wrong < 0) throw new MissedPin(`nothing may go wrong with "${actor}" in the way "${fault}" there`);
          leg++;
          met = 0;
          return wrong;
        }
        if (next >= 0 && !there) return next;
        // An actor that waits for a lock has no pending step: it has come as far as it can.
        if (next < 0 && until !== undefined) throw missed(actor, until, last);
      }
      return defaultChoice(choices, last);
    },
  };
}

function isAt({ kind, text }: Choice, until: string): boolean {
  return kind === "yield" ? text === until : text.replace(/\s+/g, " ").trim().startsWith(until);
}

function missed(actor: string, until: string, last?: Choice): MissedPin {
  const where = last === undefined ? "" : `; the step before was: ${last.text.replace(/\s+/g, " ").trim()}`;
  return new MissedPin(`"${actor}" never came to "${until}"${where}`);
}
