import { dependent, eventsOf, happensBefore, keyOf, type Alternative, type Event } from "./events.js";
import { defaultChoice } from "./schedule.js";
import type { About, Observed, Scheduler, Search, Strategy } from "./strategy.js";

/**
 * Every order of a program, but for those that differ only by swapping neighbours that commute: dynamic partial-order
 * reduction with source sets and wakeup sequences (Abdulla, Aronis, Jonsson and Sagonas, POPL 2014), over the footprints
 * of steps. After each execution its races are looked at; for each that no known branch covers, a new branch begins
 * before the first of the two steps, along which the second comes first. So no execution is run in vain, one is run for
 * each class of orders, and locks need no special case: a step that has to wait is an event where it asks, and ends
 * inside the step that lets it go.
 *
 * The branches with the fewest decisions against "keep running the current actor" come first, so that what breaks is
 * found with few switches. Each step is one of its actor's alternatives (another session, a fault): all of them are
 * branches where one is.
 */
export const exhaustive: Strategy = { name: "exhaustive", search: (_, about) => new Exhaustive(about) };

/** A branch: a choice at a node, as far as it is known. */
interface Branch {
  readonly key: string;
  readonly actor: string;
  readonly footprints: Alternative["footprints"];
  /** Where it leads to; undefined until it has been run. */
  node: Node | undefined;
}

interface Node {
  readonly parent: Node | undefined;
  /** What led here. */
  readonly key: string;
  /** In the order in which they were found: what one has in common with an earlier one belongs to the earlier. */
  readonly branches: Branch[];
  /** Branches of nodes above that cover what begins with them here, too. */
  readonly asleep: readonly Branch[];
}

/** What is to be run: choices from a node on. */
interface Plan {
  readonly from: Node;
  readonly keys: readonly string[];
}

class Exhaustive implements Search {
  readonly #about: About;
  readonly #root: Node = { parent: undefined, key: "", branches: [], asleep: [] };
  /** By number of decisions. */
  readonly #frontier: (Plan[] | undefined)[] = [[{ from: this.#root, keys: [] }]];
  #planned = 1;
  #underway = 0;
  #incomplete = false;
  #executed = 0;
  #guesses = 0;

  constructor(about: About) {
    this.#about = about;
  }

  next(): Scheduler | undefined {
    const plan = this.#frontier.find((plans) => plans !== undefined && plans.length > 0)?.shift();
    if (plan === undefined) return undefined;
    this.#planned--;
    this.#underway++;
    const keys = [...pathOf(plan.from), ...plan.keys];
    let step = 0;
    return {
      choose: (choices, last) => {
        const key = keys[step++];
        if (key === undefined) return defaultChoice(choices, last);
        const chosen = choices.findIndex((choice) => keyOf(choice) === key);
        if (chosen >= 0) return chosen;
        // Steps did something else than they did before: what was to come is not what was planned.
        this.#incomplete = true;
        keys.length = 0;
        return defaultChoice(choices, last);
      },
    };
  }

  learn(observed: Observed | undefined): void {
    this.#underway--;
    this.#executed++;
    if (observed === undefined) this.#incomplete = true;
    else this.#analyse(observed);
  }

  get exhausted(): boolean {
    return this.#planned === 0 && this.#underway === 0 && !this.#incomplete;
  }

  /** Of each execution, the product of the branches along its way (Knuth 1975); the mean of these, but never less than is known. */
  get estimate(): number {
    const known = this.#executed + this.#planned + this.#underway;
    return this.#executed === 0 ? known : Math.max(known, Math.round(this.#guesses / this.#executed));
  }

  #analyse(observed: Observed): void {
    const found = eventsOf(observed, this.#about.footprints?.());
    const events = found.map(({ event }) => event);
    const nodes = this.#walk(events);
    for (const [index, { alternatives }] of found.entries()) {
      for (const alternative of alternatives)
        this.#branch(nodes[index]!, [alternative], observed.decisions[index]! + 1);
    }
    const { before, races } = happensBefore(events);
    for (const [first, second] of races) {
      const bit = 1n << BigInt(first);
      const indices = indicesBetween(first, second).filter((index) => (before[index]! & bit) === 0n);
      const instead = [...indices, second].map((index) => events[index]!);
      this.#branch(nodes[first]!, instead, decisionsOf(observed, events, first, [...indices, second]));
    }
    this.#guesses += nodes.reduce((product, { branches }) => product * branches.length, 1);
  }

  /** The nodes that an execution came through; those that are new are made. */
  #walk(events: readonly Event[]): Node[] {
    let node = this.#root;
    return events.map((event) => {
      const here = node;
      let at = here.branches.findIndex(({ key }) => key === event.key);
      if (at < 0) at = here.branches.push({ ...event, node: undefined }) - 1;
      const branch = here.branches[at]!;
      const asleep = [...here.asleep, ...here.branches.slice(0, at)].filter(
        (other) => !event.actors.has(other.actor) && !dependent(other, event),
      );
      branch.node ??= { parent: here, key: event.key, branches: [], asleep };
      node = branch.node;
      return here;
    });
  }

  /** Plans to run these steps from a node on, unless what is known there leads to the same. */
  #branch(node: Node, steps: readonly (Event | Alternative)[], decisions: number): void {
    const [first] = steps;
    if (first === undefined || [...node.asleep, ...node.branches].some((branch) => mayBegin(branch, steps))) return;
    const { key, actor, footprints } = first;
    node.branches.push({ key, actor, footprints, node: undefined });
    (this.#frontier[decisions] ??= []).push({ from: node, keys: steps.map((step) => step.key) });
    this.#planned++;
  }
}

/** Whether running a branch first leads to an order that differs from these steps only by what commutes (a weak initial). */
function mayBegin(branch: Branch, steps: readonly (Event | Alternative)[]): boolean {
  for (const step of steps) {
    if (step.actor === branch.actor) return step.key === branch.key;
    if (("actors" in step && step.actors.has(branch.actor)) || dependent(branch, step)) return false;
  }
  return true;
}

function pathOf(node: Node): string[] {
  const keys: string[] = [];
  for (let at: Node = node; at.parent !== undefined; at = at.parent) keys.push(at.key);
  return keys.toReversed();
}

function indicesBetween(first: number, second: number): number[] {
  return Array.from({ length: second - first - 1 }, (_, at) => first + 1 + at);
}

/** Decisions that a branch takes: those before it, and each time that it leaves an actor that would have gone on. */
function decisionsOf(
  { decisions }: Observed,
  events: readonly Event[],
  from: number,
  order: readonly number[],
): number {
  let count = decisions[from]!;
  let last = from - 1;
  for (const index of order) {
    const actor = events[last]?.actor;
    const goesOn = events.some((event, at) => at > Math.max(last, from - 1) && event.actor === actor);
    if (actor !== undefined && events[index]!.actor !== actor && goesOn) count++;
    last = index;
  }
  return count;
}
