import type { Ending, Footprints } from "../footprint/footprints.js";
import { comparable } from "./comparable.js";
import { dependent, EventLog, keyOf, type Event, type Possible } from "./events.js";
import { Divergence } from "./follow.js";
import { defaultChoice } from "./schedule.js";
import type { Choice, Scheduler } from "./strategy.js";

/** Where an execution is to go. */
export interface Guide {
  /** The steps to take, by key; behind them the current session goes on as long as it can, and nothing goes wrong. */
  readonly keys: readonly string[];
  /** What was pending at each step that is known; behind these it is new ground. */
  readonly known: readonly string[];
  /** Steps that are asleep at the last of them. */
  readonly sleep: readonly Possible[];
  /** How many of the first steps are of a path of which nothing is known: beside it, what stands in front is asleep. */
  readonly common: number;
}

/** What was to be seen before one step, on new ground. */
export interface Moment {
  readonly pending: string;
  /** Steps that need not be taken here: what they lead to is covered elsewhere. */
  readonly sleep: readonly Possible[];
  /** What could go wrong here. */
  readonly faults: readonly Possible[];
}

/**
 * Follows a guide, then goes on by itself without a step that is asleep, and writes down what happens.
 *
 * @throws {Divergence} From `choose`, when what is pending is not what was pending at this place before.
 */
export class GuidedRun implements Scheduler {
  /** One for each step on new ground, up to the one at which it was blocked. */
  readonly moments: Moment[] = [];
  /** The step at which all that was pending was asleep; from there on the execution is one that is covered elsewhere. */
  blockedAt: number | undefined;
  /** A step that was to be taken was not pending: the order of steps has an effect that is not seen in what they touch. */
  isLost = false;
  readonly #log: EventLog;
  readonly #guide: Guide;
  #sleep: readonly Possible[] = [];

  /** @param footprints Of this execution; undefined where every two steps are to be taken to conflict. */
  constructor(footprints: Footprints | undefined, guide: Guide) {
    this.#log = new EventLog(footprints);
    this.#guide = guide;
  }

  get events(): readonly Event[] {
    return this.#log.events;
  }

  choose(choices: readonly Choice[], last: Choice | undefined): number {
    const index = this.events.length;
    this.#log.look(choices);
    this.#lookAt(index, choices);
    const chosen = this.#guided(index, choices) ?? this.#free(index, choices, last);
    this.#log.take(choices[chosen]!);
    return chosen;
  }

  taken(choice: Choice, after: Ending): void {
    this.#log.ended(choice, after);
  }

  #lookAt(index: number, choices: readonly Choice[]): void {
    if (this.blockedAt !== undefined || this.isLost) return;
    const pending = describe(choices);
    const known = this.#guide.known[index];
    if (known !== undefined && known !== pending)
      throw new Divergence(
        index,
        `behind the same steps others were pending: first ${known}; now ${pending}. What the code does must follow from the order of its steps alone`,
      );
    this.#sleepAt(index, choices);
    if (known !== undefined) return;
    const faults = choices.filter(({ fault }) => fault !== undefined).map((choice) => this.#log.possible(choice));
    this.moments.push({ pending, sleep: this.#sleep, faults });
    if (index < this.#guide.common) this.#sleepInFront(index, choices);
  }

  /** What a step of the common path leads to is left to others where it is asleep, and leaves to them what stands in front of it. */
  #sleepInFront(index: number, choices: readonly Choice[]): void {
    const key = this.#guide.keys[index];
    if (this.#sleep.some((step) => step.key === key)) this.blockedAt = index;
    const at = choices.findIndex((choice) => keyOf(choice) === key);
    const inFront = choices.slice(0, Math.max(0, at)).map((choice) => ({
      ...this.#log.possible(choice),
      isElsewhere: true,
    }));
    this.#sleep = [...this.#sleep, ...inFront.filter((step) => !this.#sleep.some((other) => other.key === step.key))];
  }

  #sleepAt(index: number, choices: readonly Choice[]): void {
    const { known, sleep } = this.#guide;
    if (index < known.length - 1) return;
    const last = this.events.at(-1);
    const asleep = index === known.length - 1 ? sleep : this.#sleep.filter((step) => !dependent(step, last!));
    // By what others have locked meanwhile it may come to wait: what it would do is asked anew at each step.
    this.#sleep = asleep.flatMap((step) => {
      const choice = choices.find((each) => keyOf(each) === step.key);
      if (choice === undefined) return [];
      const { isElsewhere } = step;
      return [{ ...this.#log.possible(choice), ...(isElsewhere === undefined ? {} : { isElsewhere }) }];
    });
  }

  #guided(index: number, choices: readonly Choice[]): number | undefined {
    const key = this.#guide.keys[index];
    if (key === undefined || this.isLost) return undefined;
    const chosen = choices.findIndex((choice) => keyOf(choice) === key);
    if (chosen < 0) this.isLost = true;
    return chosen < 0 ? undefined : chosen;
  }

  #free(index: number, choices: readonly Choice[], last: Choice | undefined): number {
    if (this.isLost) return defaultChoice(choices, last);
    const isAsleep = (choice: Choice) => this.#sleep.some(({ key }) => key === keyOf(choice));
    const awake = choices.filter((choice) => choice.fault === undefined && !isAsleep(choice));
    if (awake.length === 0) this.blockedAt ??= index;
    if (this.blockedAt !== undefined) return defaultChoice(choices, last);
    return choices.indexOf(awake[defaultChoice(awake, last)]!);
  }
}

function describe(choices: readonly Choice[]): string {
  return choices
    .map(({ session, kind, text, fault }) => `${session}: ${fault ?? `${kind} ${comparable(text)}`}`)
    .join("; ");
}
