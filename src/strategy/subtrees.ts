import { keyOf } from "./events.js";
import { exhaustiveBehind } from "./exhaustive.js";
import { defaultChoice } from "./schedule.js";
import type { About, Choice, Observed, Scheduler, Search, Strategy } from "./strategy.js";

/** First steps, by key. */
type Prefix = readonly string[];

/** Subtrees that a tree is split into for each part, at least, so that parts are of about the same size; and how deep, at most. */
const split = { perPart: 4, deepest: 6 };

/** A program that takes no more executions than this is not split. */
const few = 64;

/**
 * A part of the exhaustive search through a program's orders. Where there are few, one of the parts has them all; which one
 * goes by the name of the program, which is its number. Otherwise the tree is cut at some depth: each sequence of first steps
 * is the root of a subtree, and the subtrees are dealt out. What one of them covers is asleep in those that stand behind
 * it, so together they run all orders, and of those that differ only by what commutes one: now and then there are two, as
 * less is known of a step that somebody else takes. Nobody has to tell the others anything, as everybody finds out by a
 * few executions of their own how large the tree is and which first steps there are: these scouts are the same in all parts,
 * and count in none.
 *
 * @param part From 0. @param of How many parts there are.
 * @param unsplit Executions of a program that is not split, at most.
 */
export function exhaustivePart(part: number, of: number, unsplit: number = few): Strategy {
  return { name: "exhaustive", search: (name, about) => new Subtrees(about, part, of, Number(name) % of, unsplit) };
}

/** A search some of whose executions only look where there is something to run. */
export interface Scouting extends Search {
  /** Whether the scheduler that was handed out last is such a one. */
  readonly isScouting: boolean;
  /** Of all that is to be run for the program, the part that is this search's own; 1 for all of it. */
  readonly share: number;
}

class Subtrees implements Scouting {
  readonly #about: About;
  readonly #part: number;
  readonly #of: number;
  /** Which part has the program if it is not split. */
  readonly #owner: number;
  readonly #unsplit: number;
  /** Goes through all orders, to see whether they are few; undefined once that is known. */
  #trial: Search | undefined;
  #tried = 0;
  /** First steps that nothing is known of what follows them. */
  #unseen: Prefix[] = [[]];
  /** What follows first steps, by these; null where nothing does. */
  readonly #next = new Map<string, readonly string[] | null>();
  /** Undefined while it is not known where the tree is cut. */
  #searches: Search[] | undefined;
  #turn = 0;
  readonly #underway: (Search | Prefix)[] = [];
  #isLost = false;
  isScouting = false;
  share: number;

  constructor(about: About, part: number, of: number, owner: number, unsplit: number) {
    this.#about = about;
    this.#part = part;
    this.#of = of;
    this.#owner = owner;
    this.#unsplit = unsplit;
    this.#trial = exhaustiveBehind(about, []);
    this.share = 1 / of;
  }

  next(): Scheduler | undefined {
    this.isScouting = this.#searches === undefined;
    if (this.#trial !== undefined) {
      const scheduler = this.#try(this.#trial);
      if (scheduler !== undefined || this.#underway.length > 0) return scheduler;
      this.#trial = undefined;
    }
    if (this.#searches === undefined) return this.#scout();
    // Subtrees take turns: what one of them breaks soon is found before another has been gone through.
    for (let idle = 0; idle < this.#searches.length; idle++) {
      const search = this.#searches[this.#turn++ % this.#searches.length]!;
      const scheduler = search.next();
      if (scheduler === undefined) continue;
      this.#underway.push(search);
      return scheduler;
    }
    return undefined;
  }

  learn(observed: Observed | undefined): void {
    const whose = this.#underway.shift()!;
    if ("learn" in whose) {
      whose.learn(observed);
      if (whose === this.#trial && whose.exhausted) this.#leaveWhole();
      return;
    }
    if (observed === undefined) this.#isLost = true;
    else this.#see(observed);
    if (this.#underway.length === 0 && this.#unseen.length === 0) this.#cut();
  }

  get exhausted(): boolean {
    return this.#searches?.every(({ exhausted }) => exhausted) === true && !this.#isLost && this.#underway.length === 0;
  }

  get estimate(): number {
    return (this.#searches ?? []).reduce((sum, { estimate }) => sum + (estimate ?? 0), 0);
  }

  #try(trial: Search): Scheduler | undefined {
    const scheduler = this.#tried < this.#unsplit ? trial.next() : undefined;
    if (scheduler === undefined) return undefined;
    this.#tried++;
    this.#underway.push(trial);
    return scheduler;
  }

  /** There are few orders: its owner runs them once more, and they count. */
  #leaveWhole(): void {
    this.#trial = undefined;
    this.share = 1;
    this.#searches = this.#owner === this.#part ? [exhaustiveBehind(this.#about, [])] : [];
  }

  #scout(): Scheduler | undefined {
    const prefix = this.#unseen.shift();
    if (prefix === undefined) return undefined;
    this.#underway.push(prefix);
    let index = 0;
    return {
      choose: (choices, last) => {
        const wanted = choices.findIndex((choice) => keyOf(choice) === prefix[index]);
        index++;
        return wanted < 0 ? defaultChoice(choices, last) : wanted;
      },
    };
  }

  /** All that could follow each of the first steps of an execution. */
  #see({ pending, chosen }: Observed): void {
    const path: string[] = [];
    for (const [index, choices] of pending.slice(0, split.deepest).entries()) {
      this.#next.set(idOf(path), keysOf(choices));
      path.push(keyOf(choices[chosen[index]!]!));
    }
    if (path.length < split.deepest) this.#next.set(idOf(path), null);
  }

  /** Cuts the tree where there are enough subtrees; or looks further, where nothing is known of what follows. */
  #cut(): void {
    let level: Prefix[] = [[]];
    for (let depth = 0; depth < split.deepest && level.length < split.perPart * this.#of; depth++) {
      this.#unseen = level.filter((prefix) => !this.#next.has(idOf(prefix)));
      if (this.#unseen.length > 0 && !this.#isLost) return;
      const deeper = level.flatMap((prefix) => this.#behind(prefix));
      if (deeper.length === level.length && deeper.every((prefix, at) => prefix === level[at])) break;
      level = deeper;
    }
    this.#unseen = [];
    const own = level.filter((_, index) => index % this.#of === this.#part);
    this.#searches = own.map((prefix) => exhaustiveBehind(this.#about, prefix));
  }

  #behind(prefix: Prefix): Prefix[] {
    const keys = this.#next.get(idOf(prefix));
    return keys === null || keys === undefined ? [prefix] : keys.map((key) => [...prefix, key]);
  }
}

function keysOf(choices: readonly Choice[]): string[] {
  return choices.map(keyOf);
}

function idOf(prefix: Prefix): string {
  return JSON.stringify(prefix);
}
