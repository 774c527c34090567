import { eventsOf, happensBefore, type Event } from "../strategy/events.js";
import type { Observed } from "../strategy/strategy.js";
import type { Footprints } from "../footprint/footprints.js";
import type { Turns } from "./memory.js";

/** Of all the orders that differ from an execution only by swapping steps that commute, the one that stands for them. */
export interface NormalForm {
  readonly turns: Turns;
  readonly preemptions: number;
  readonly switches: number;
}

/** More places than this are not gone through. */
const mostPlaces = 20_000;

/**
 * The normal form of an execution: two that differ only by swapping neighbours that commute have the same one, which has
 * the fewest preemptions of them all, then the fewest switches; then whoever runs goes on for as long as that allows,
 * and otherwise the first actor is next.
 *
 * An execution up to commuting steps is a Mazurkiewicz trace (Diekert and Rozenberg, "The Book of Traces", 1995), and its
 * orders are the ways through the lattice of what may have happened so far (the ideals of happens-before), one counter
 * for each actor. The cheapest way is found from the end, by dynamic programming; then it is gone from the beginning. It
 * takes the place of the lexicographic normal form of Anisimov and Knuth 1979, in which switches do not count.
 *
 * @param footprints Of this execution; undefined where every two steps are to be taken to conflict.
 * @param rank Which of two actors is first.
 * @returns Undefined where there are too many ways.
 */
export function normalFormOf(
  observed: Observed,
  footprints: Footprints | undefined,
  rank: (actor: string) => number,
): NormalForm | undefined {
  const events = eventsOf(observed, footprints);
  const lattice = new Lattice(events, happensBefore(events).before, rank);
  if (lattice.places > mostPlaces) return undefined;
  const { preemptions, switches } = lattice.cheapest(lattice.start, undefined);
  const order = lattice.walk();
  const turns = order.map((index) => {
    const { pending, chosen } = observed;
    const { session, fault } = pending[index]![chosen[index]!]!;
    return { to: session, ...(fault === undefined ? {} : { fault }) };
  });
  return { turns, preemptions, switches };
}

interface Cost {
  readonly preemptions: number;
  readonly switches: number;
}

/** How many steps each actor has taken. */
type Place = readonly number[];

class Lattice {
  readonly start: Place;
  readonly #events: readonly Event[];
  readonly #before: readonly bigint[];
  /** The steps of each actor, which come in one order; the first actor first. */
  readonly #chains: readonly (readonly number[])[];
  readonly #costs = new Map<string, Cost>();

  constructor(events: readonly Event[], before: readonly bigint[], rank: (actor: string) => number) {
    this.#events = events;
    this.#before = before;
    const actors = [...new Set(events.map(({ actor }) => actor))].toSorted((a, b) => rank(a) - rank(b));
    this.#chains = actors.map((name) => [...events.keys()].filter((index) => events[index]!.actor === name));
    this.start = actors.map(() => 0);
  }

  /** How many there may be at most. */
  get places(): number {
    return this.#chains.reduce((product, { length }) => product * (length + 1), 1);
  }

  /** What the rest costs at least. */
  cheapest(place: Place, last: number | undefined): Cost {
    const key = `${place.join()} ${last}`;
    const known = this.#costs.get(key);
    if (known !== undefined) return known;
    const costs = this.#possible(place).map((actor) => this.#costBy(place, last, actor));
    const least = costs.toSorted(compareCosts)[0] ?? { preemptions: 0, switches: 0 };
    this.#costs.set(key, least);
    return least;
  }

  /** The indices of the events in the order of the normal form. */
  walk(): number[] {
    const order: number[] = [];
    let place = this.start;
    let last: number | undefined;
    while (order.length < this.#events.length) {
      const least = this.cheapest(place, last);
      const best = this.#possible(place).filter((actor) => compareCosts(this.#costBy(place, last, actor), least) === 0);
      const next = last !== undefined && best.includes(last) ? last : best[0]!;
      order.push(this.#chains[next]![place[next]!]!);
      place = place.with(next, place[next]! + 1);
      last = next;
    }
    return order;
  }

  #costBy(place: Place, last: number | undefined, actor: number): Cost {
    const { preemptions, switches } = this.cheapest(place.with(actor, place[actor]! + 1), actor);
    if (last === undefined || last === actor) return { preemptions, switches };
    return { preemptions: preemptions + Number(this.#isPending(place, last)), switches: switches + 1 };
  }

  /** Actors whose next step has all behind it that happened before it. */
  #possible(place: Place): number[] {
    return [...place.keys()].filter((actor) => {
      const next = this.#chains[actor]![place[actor]!];
      return next !== undefined && this.#contains(place, this.#before[next]!);
    });
  }

  /** Whether an actor has something to do here, be it in this order of conflicting steps or in another. */
  #isPending(place: Place, actor: number): boolean {
    const next = this.#chains[actor]![place[actor]!];
    if (next === undefined) return false;
    const { enabler } = this.#events[next]!;
    return enabler < 0 || this.#contains(place, 1n << BigInt(enabler));
  }

  #contains(place: Place, events: bigint): boolean {
    let happened = 0n;
    for (const [actor, count] of place.entries())
      for (const index of this.#chains[actor]!.slice(0, count)) happened |= 1n << BigInt(index);
    return (events & ~happened) === 0n;
  }
}

function compareCosts(a: Cost, b: Cost): number {
  return a.preemptions - b.preemptions || a.switches - b.switches;
}
