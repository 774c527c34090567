import { comparable } from "./comparable.js";
import type { FaultKind } from "./fault.js";
import { defaultChoice } from "./schedule.js";
import type { Choice, Scheduler } from "./strategy.js";

/** A step of a record, as far as it is recognised in code that has changed. */
export interface RecordedStep {
  readonly actor: string;
  readonly kind: Choice["kind"];
  readonly text: string;
  readonly fault?: FaultKind;
}

/** How far a record could be followed. */
export interface Guided {
  /** Runs of one actor in the record. */
  readonly legs: number;
  /** Of these, the ones that came to their end. */
  readonly followed: number;
  /** Statements that the record does not have, in the order in which they were taken. */
  readonly added: readonly string[];
  /** Statements of the record that never came. */
  readonly gone: readonly string[];
}

/** Consecutive steps of one actor, up to which of its own. */
interface Leg {
  readonly actor: string;
  readonly end: number;
}

/**
 * Follows a record in code that has changed, by what actors do and not by how many steps they take: an actor runs until
 * it has done what it did before the record leaves it. A statement is recognised by its text, among those that its actor
 * has not come to yet; one that is not there but resembles the next one is that one, changed; any other is new, and is
 * taken along. What the record has and the code does not do any more is left out.
 */
export function guidedBy(steps: readonly RecordedStep[]): { readonly scheduler: Scheduler; guided(): Guided } {
  const progress = new Map<string, Progress>();
  const progressOf = (actor: string) => {
    const known = progress.get(actor) ?? new Progress(steps.filter((step) => step.actor === actor));
    progress.set(actor, known);
    return known;
  };
  const legs = legsOf(steps);
  let leg = 0;
  let followed = 0;
  const isDone = ({ actor, end }: Leg) => progressOf(actor).position >= end;
  const scheduler: Scheduler = {
    choose(choices, last) {
      for (; leg < legs.length; leg++) {
        const { actor, end } = legs[leg]!;
        const own = progressOf(actor);
        const next = own.nextOf(choices, actor);
        if (next >= 0 && own.isBefore(choices[next]!, end)) return own.take(choices, next);
        if (isDone(legs[leg]!)) followed++;
      }
      const chosen = defaultChoice(choices, last);
      return progressOf(choices[chosen]!.actor).take(choices, chosen);
    },
  };
  const guided = () => ({
    legs: legs.length,
    // The one at hand when everybody had ended was never left.
    followed: followed + legs.slice(leg, leg + 1).filter(isDone).length,
    added: [...progress.values()].flatMap(({ added }) => added),
    gone: [...new Set(steps.map(({ actor }) => actor))].flatMap((actor) => progressOf(actor).gone()),
  });
  return { scheduler, guided };
}

function legsOf(steps: readonly RecordedStep[]): Leg[] {
  const legs: Leg[] = [];
  const taken = new Map<string, number>();
  for (const { actor } of steps) {
    const end = (taken.get(actor) ?? 0) + 1;
    taken.set(actor, end);
    if (legs.at(-1)?.actor === actor) legs.pop();
    legs.push({ actor, end });
  }
  return legs;
}

/** How far one actor has come in what the record has it do. */
class Progress {
  /** So many of its steps in the record are behind it. */
  position = 0;
  readonly added: string[] = [];
  readonly #steps: readonly RecordedStep[];
  readonly #met = new Set<number>();

  constructor(steps: readonly RecordedStep[]) {
    this.#steps = steps;
  }

  /** Of an actor's pending steps, the one that comes first in the record; -1 if it has none. */
  nextOf(choices: readonly Choice[], actor: string): number {
    const own = [...choices.keys()].filter(
      (index) => choices[index]!.actor === actor && choices[index]!.fault === undefined,
    );
    const place = (index: number) => this.#find(choices[index]!) ?? Infinity;
    return own.toSorted((a, b) => (place(a) < place(b) ? -1 : Number(place(a) > place(b))))[0] ?? -1;
  }

  /** Whether a step belongs before this place in the record. */
  isBefore(choice: Choice, end: number): boolean {
    // What is new is taken along on the way to something that is still to come.
    return (this.#find(choice) ?? this.position) < end;
  }

  /** Takes a step, with what went wrong with it in the record, if that can. */
  take(choices: readonly Choice[], index: number): number {
    const choice = choices[index]!;
    const at = this.#find(choice);
    if (at === undefined) {
      this.added.push(comparable(choice.text));
      return index;
    }
    this.#met.add(at);
    this.position = Math.max(this.position, at + 1);
    const { fault } = this.#steps[at]!;
    const faulty = choices.findIndex((other) => other.actor === choice.actor && other.fault === fault);
    return fault === undefined || faulty < 0 ? index : faulty;
  }

  gone(): string[] {
    return this.#steps.filter((_, index) => !this.#met.has(index)).map(({ text }) => comparable(text));
  }

  /** Its place in the record, from where the actor is. */
  #find(choice: Choice): number | undefined {
    const text = comparable(choice.text);
    const alike = [...this.#steps.keys()].filter(
      (index) => !this.#met.has(index) && comparable(this.#steps[index]!.text) === text,
    );
    // One that was passed over comes late: statements may have changed places.
    const exact = alike.find((index) => index >= this.position) ?? alike[0];
    if (exact !== undefined) return exact;
    const next = this.#steps[this.position];
    return next !== undefined && next.kind === choice.kind && resembles(comparable(next.text), text)
      ? this.position
      : undefined;
  }
}

/** Whether two statements begin with the same word and share most of their words (Dice 1945). */
function resembles(a: string, b: string): boolean {
  const some = wordsOf(a);
  const others = wordsOf(b);
  if (some[0] !== others[0] || some.length === 0) return false;
  const shared = new Set(some.filter((word) => others.includes(word))).size;
  return (2 * shared) / (new Set(some).size + new Set(others).size) >= 0.6;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\w$]+/g) ?? [];
}
