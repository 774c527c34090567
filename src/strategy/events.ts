import { conflict } from "../footprint/conflict.js";
import type { Footprint } from "../footprint/footprint.js";
import type { Ending, Footprints } from "../footprint/footprints.js";
import type { Choice, Observed } from "./strategy.js";

/** A choice by name: which session, and what goes wrong. It is the same one in another execution that came to it by the same steps of its actor's. */
export function keyOf({ session, fault }: Pick<Choice, "session" | "fault">): string {
  return fault === undefined ? session : `${session}\n${fault}`;
}

/** A step that could be taken, and what it would touch. */
export interface Possible {
  readonly key: string;
  readonly actor: string;
  readonly session: string;
  /** Undefined where nothing is known, which conflicts with everything. */
  readonly footprints: readonly Footprint[] | undefined;
  readonly isFault: boolean;
  /** Whether something else may happen in its place: it, or what goes wrong with it. */
  readonly isOptional: boolean;
  /** Whether another part of the search runs what it leads to, and nobody here hears of the races that are found there. */
  readonly isElsewhere?: boolean;
  /** Whether its session had something to do right behind it, so that it was a decision to leave it; false while that is not known. */
  readonly goesOn: boolean;
}

/** A step as an execution took it. */
export interface Event extends Possible {
  /** What it touched: as it was sent, if it waited, and what others did inside of it that had waited for what it gave up. */
  readonly footprints: Footprint[] | undefined;
  /** Index of the event by which it became pending; -1 for the beginning. */
  readonly enabler: number;
  /** Indices of waiting events with which it closes a circle: who comes last is the deadlock's victim. */
  readonly circle: readonly number[];
  /** Index of the event inside of which it ended: its own, unless it waited. */
  endedIn: number;
  goesOn: boolean;
}

/** Makes the events of an execution while it is under way. */
export class EventLog {
  readonly events: Event[] = [];
  readonly #footprints: Footprints | undefined;
  /** Steps that were sent and have not ended, and their places. */
  readonly #underway = new Map<Choice, number>();
  /** By key of what is pending: the event by which it became so. */
  #enablers = new Map<string, number>();
  /** Actors for whom something could go wrong with what is pending. */
  #endangered: ReadonlySet<string> = new Set();

  /** @param footprints Of this execution; undefined where every two steps are to be taken to conflict. */
  constructor(footprints: Footprints | undefined) {
    this.#footprints = footprints;
  }

  /** To be told what is pending before each step. */
  look(choices: readonly Choice[]): void {
    const before = this.#enablers;
    const last = this.events.at(-1);
    this.#enablers = new Map();
    for (const choice of choices) {
      const key = keyOf(choice);
      // The step behind one that was taken is another one, though it bears the same name.
      const known = key === last?.key ? undefined : before.get(key);
      this.#enablers.set(key, known ?? this.events.length - 1);
    }
    if (last !== undefined) last.goesOn = this.#enablers.has(last.session);
    this.#endangered = new Set(choices.flatMap(({ actor, fault }) => (fault === undefined ? [] : [actor])));
  }

  /** What a pending step would be now. */
  possible(choice: Choice): Possible {
    const { actor, session, fault } = choice;
    const footprints = this.#footprints && [this.#footprints.of(choice)];
    return {
      key: keyOf(choice),
      actor,
      session,
      footprints,
      isFault: fault !== undefined,
      isOptional: this.#endangered.has(actor),
      goesOn: false,
    };
  }

  take(choice: Choice): void {
    const { actor, session, fault } = choice;
    const key = keyOf(choice);
    const footprint = this.#footprints?.sent(choice);
    this.events.push({
      key,
      actor,
      session,
      isFault: fault !== undefined,
      isOptional: this.#endangered.has(actor),
      footprints: footprint && [footprint],
      enabler: this.#enablers.get(key)!,
      circle: footprint === undefined ? [] : this.#circleOf(footprint),
      endedIn: Infinity,
      goesOn: false,
    });
    this.#underway.set(choice, this.events.length - 1);
  }

  ended(choice: Choice, after: Ending): void {
    const index = this.#underway.get(choice)!;
    this.#underway.delete(choice);
    const event = this.events[index]!;
    event.endedIn = this.events.length - 1;
    const done = this.#footprints?.taken(choice, after);
    if (done === undefined) return;
    // Of a step that answered at once it is known by now what it did, and whether it failed.
    if (event.endedIn === index) event.footprints!.splice(0, 1, done);
    else for (const each of [event, this.events.at(-1)!]) each.footprints!.push(done);
  }

  /** Waiting events that would wait for this step if it waits for them. */
  #circleOf({ session, waitsFor }: Footprint): number[] {
    const waiting = [...this.#underway.values()].filter((index) => waitsFor.has(this.events[index]!.session));
    const closes = waiting.some((index) => this.events[index]!.footprints![0]!.waitsFor.has(session));
    return closes ? waiting : [];
  }
}

/** The events of an execution that is over. */
export function eventsOf({ pending, chosen, answers }: Observed, footprints: Footprints | undefined): readonly Event[] {
  const log = new EventLog(footprints);
  const stepAt = (index: number) => pending[index]![chosen[index]!]!;
  let next = 0;
  for (const [index, choices] of pending.entries()) {
    log.look(choices);
    log.take(stepAt(index));
    for (; answers[next]?.during === index; next++) log.ended(stepAt(answers[next]!.step), answers[next]!.after);
  }
  return log.events;
}

/** Whether two steps may not be swapped: those of one actor, and those that conflict. */
export function dependent(a: Possible, b: Possible): boolean {
  if (a.actor === b.actor || a.footprints === undefined || b.footprints === undefined) return true;
  return a.footprints.some((one) => b.footprints!.some((other) => conflict(one, other) !== undefined));
}

/** The events that happened before each one, as bit sets over their indices, and the races. */
export interface HappensBefore {
  readonly before: readonly bigint[];
  /** Pairs that could be the other way round: dependent, with nothing between that orders them. */
  readonly races: readonly (readonly [first: number, second: number])[];
}

/**
 * Happens-before (Lamport 1978) by dependence, with its reversible races (Flanagan and Godefroid, POPL 2005).
 *
 * @param known What happened before the first of them, where that has been found out; their races are left out.
 */
export function happensBefore(events: readonly Event[], known: readonly bigint[] = []): HappensBefore {
  const before = [...known];
  const races: [number, number][] = [];
  for (let second = known.length; second < events.length; second++) {
    let past = 0n;
    // From the nearest back: what lies before a later one that this depends on is ordered by that one.
    for (let first = second - 1; first >= 0; first--) {
      const bit = 1n << BigInt(first);
      if ((past & bit) !== 0n || !isOrdered(events, first, second)) continue;
      past |= bit | before[first]!;
      if (isReversible(events, first, second)) races.push([first, second]);
    }
    before.push(past);
  }
  return { before, races };
}

function isOrdered(events: readonly Event[], first: number, second: number): boolean {
  const [a, b] = [events[first]!, events[second]!];
  return b.enabler === first || a.endedIn === second || b.circle.includes(first) || dependent(a, b);
}

/** Whether the second could have come first: the first has not made it possible, and it is not what its session did next. */
function isReversible(events: readonly Event[], first: number, second: number): boolean {
  const [a, b] = [events[first]!, events[second]!];
  if (b.enabler === first || a.session === b.session) return false;
  // Where something goes wrong is a choice at each of the actor's own steps, and no race with them.
  return a.actor !== b.actor || !(a.isFault || b.isFault);
}

/**
 * Whether some order that is equivalent to this sequence, or to one that goes on from it, begins with this step: a weak
 * initial, in the words of Abdulla, Aronis, Jonsson and Sagonas, POPL 2014. A step that need not happen at all has to be
 * part of the sequence, and so has one that is run elsewhere: that what it comes behind later is run, too, follows from the
 * races of those who run it.
 */
export function mayBegin(step: Possible, sequence: readonly Possible[]): boolean {
  for (const event of sequence) {
    if (event.key === step.key) return true;
    if (dependent(step, event) || mayDeadlock(step, event, sequence)) return false;
  }
  return !step.isOptional && step.isElsewhere !== true;
}

/** Whether a step and an event may come to wait for each other, by way of others in the sequence. */
function mayDeadlock(step: Possible, event: Possible, sequence: readonly Possible[]): boolean {
  if (![step, event].every(({ footprints }) => footprints?.some(({ waitsFor }) => waitsFor.size > 0))) return false;
  const all = [step, ...sequence];
  return reaches(all, step, event.session) && reaches(all, event, step.session);
}

function reaches(all: readonly Possible[], from: Possible, session: string, seen = new Set<string>()): boolean {
  seen.add(from.session);
  const waitsFor = (from.footprints ?? []).flatMap((footprint) => [...footprint.waitsFor]);
  if (waitsFor.includes(session)) return true;
  return all.some(
    (each) => waitsFor.includes(each.session) && !seen.has(each.session) && reaches(all, each, session, seen),
  );
}
