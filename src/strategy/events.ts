import { conflict } from "../footprint/conflict.js";
import type { Footprint } from "../footprint/footprint.js";
import type { Footprints } from "../footprint/footprints.js";
import type { Choice, Observed } from "./strategy.js";

/** What was taken at one step, with everything that happened before the next: a step, and the waiting ones that it let go. */
export interface Event {
  readonly key: string;
  /** Who took the step. */
  readonly actor: string;
  /** Who went on in it: the actor itself, and those whose waiting steps ended. */
  readonly actors: ReadonlySet<string>;
  /** Of the step and of those that ended; undefined where nothing is known, which conflicts with everything. */
  readonly footprints: readonly Footprint[] | undefined;
}

/** What could be done instead by the actor that took a step: another of its sessions, or the same with a fault. */
export interface Alternative {
  readonly key: string;
  readonly actor: string;
  readonly footprints: readonly Footprint[] | undefined;
}

/** A choice by name: which session, and what goes wrong. */
export function keyOf({ session, fault }: Choice): string {
  return fault === undefined ? session : `${session}\n${fault}`;
}

/** The events of an execution, each with what its actor could have done instead. */
export function eventsOf(
  { pending, chosen, answers }: Observed,
  footprints: Footprints | undefined,
): { readonly event: Event; readonly alternatives: readonly Alternative[] }[] {
  const stepAt = (index: number) => pending[index]![chosen[index]!]!;
  let next = 0;
  return pending.map((choices, index) => {
    const step = stepAt(index);
    const alternatives = choices
      .filter((choice) => choice.actor === step.actor && choice !== step)
      .map((choice) => ({
        key: keyOf(choice),
        actor: choice.actor,
        footprints: footprints && [footprints.of(choice)],
      }));
    const actors = new Set([step.actor]);
    const found = footprints && [footprints.of(step)];
    footprints?.sent(step);
    for (; answers[next]?.during === index; next++) {
      const { step: answered, after } = answers[next]!;
      actors.add(stepAt(answered).actor);
      const footprint = footprints?.taken(stepAt(answered), after);
      if (footprint === undefined) continue;
      // Of a step that answered at once it is known by now what it did, and whether it failed.
      if (answered === index) found![0] = footprint;
      else found!.push(footprint);
    }
    return { event: { key: keyOf(step), actor: step.actor, actors, footprints: found }, alternatives };
  });
}

/** Whether two steps of different actors may not be swapped. */
export function dependent(a: Pick<Event, "footprints">, b: Pick<Event, "footprints">): boolean {
  if (a.footprints === undefined || b.footprints === undefined) return true;
  return a.footprints.some((one) => b.footprints!.some((other) => conflict(one, other) !== undefined));
}

/** Whether one event must stay behind another where both are neighbours: by who took them, or by what they do. */
export function ordered(a: Event, b: Event): boolean {
  for (const actor of a.actors) if (b.actors.has(actor)) return true;
  return dependent(a, b);
}

/** The events that happened before each one, as bit sets over their indices, and the races. */
export interface HappensBefore {
  readonly before: readonly bigint[];
  /** Pairs that could be the other way round: dependent, of different actors, and nothing between them orders them. */
  readonly races: readonly (readonly [first: number, second: number])[];
}

/** Happens-before (Lamport 1978) by dependence, with its reversible races (Flanagan and Godefroid, POPL 2005). */
export function happensBefore(events: readonly Event[]): HappensBefore {
  const before: bigint[] = [];
  const races: [number, number][] = [];
  for (const [second, event] of events.entries()) {
    let known = 0n;
    // From the nearest back: what lies before a later one that this depends on is ordered by that one.
    for (let first = second - 1; first >= 0; first--) {
      const bit = 1n << BigInt(first);
      if ((known & bit) !== 0n || !ordered(events[first]!, event)) continue;
      known |= bit | before[first]!;
      if (!events[first]!.actors.has(event.actor)) races.push([first, second]);
    }
    before.push(known);
  }
  return { before, races };
}
