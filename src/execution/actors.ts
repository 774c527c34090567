import type { GatedStep } from "../session/gate.js";
import type { VirtualClock } from "../session/virtual-clock.js";
import type { OperationCall, Program } from "./program.js";
import type { OperationResult } from "./trace.js";

/** An actor at work. */
export interface Run {
  readonly name: string;
  readonly calls: readonly OperationCall[];
  /** Steps that want to be taken, in the order of arrival. */
  readonly pending: GatedStep[];
  readonly slots: Set<number>;
  /** Things of ours that it is held up by, and that end by themselves. */
  busy: number;
  /** Times it waits for a pooled connection. */
  queued: number;
  operation: number;
  /** Ends the operation under way: its code failed where nobody catches it. */
  crash: (result: OperationResult) => void;
  /** Whether its code failed where nobody catches it; it runs no further operation then. */
  crashed: boolean;
  /** Operations whose process died: what is left of their code gets no answer. */
  readonly dead: Set<number>;
  /** Has nothing (more) to do; true before it starts. */
  done: boolean;
  /** How many of its timers fired although others had something to do. */
  early: number;
  /** How many calls were refused since the execution ended. */
  refused: number;
}

/** Of something that an actor is held up by, among others. */
interface Place {
  /** What happens when its turn comes; undefined while it is not over. */
  next: (() => void) | undefined;
}

/**
 * How many timers of an actor may fire in front of others' steps in one execution: one that polls would never let them on.
 */
const mostEarly = 8;

/** What the actors need from the execution that they are part of. */
export interface ActorsOptions {
  readonly clock: VirtualClock | undefined;
  /** Whether an actor waits for a lock. */
  readonly isBlocked: (actor: string) => boolean;
  /** Called when something has ended that may have held an actor up. */
  readonly changed: () => void;
}

/** The actors of one execution: what each wants to do next, and what it is held up by. */
export class Actors {
  readonly runs: readonly Run[];
  readonly #options: ActorsOptions;
  /** Of what actors are held up by, in the order in which it began. */
  readonly #places: Place[] = [];

  constructor({ actors }: Program, options: ActorsOptions) {
    this.#options = options;
    this.runs = actors.map(({ name, operations }) => ({
      name,
      calls: operations,
      pending: [],
      slots: new Set<number>(),
      busy: 0,
      queued: 0,
      operation: 0,
      crash: () => undefined,
      crashed: false,
      dead: new Set<number>(),
      done: true,
      early: 0,
      refused: 0,
    }));
  }

  of(name: string): Run | undefined {
    return this.runs.find((run) => run.name === name);
  }

  get areBusy(): boolean {
    return this.runs.some(({ busy }) => busy > 0);
  }

  get areDone(): boolean {
    return this.runs.every(({ done }) => done);
  }

  /** See {@link Gate.busy}. */
  busy(actor: string): (then: () => void) => void {
    const over = this.#count(actor, "busy");
    const place: Place = { next: undefined };
    this.#places.push(place);
    return (next) => {
      place.next = () => {
        over();
        next();
      };
      for (let [first] = this.#places; first?.next !== undefined; [first] = this.#places) {
        this.#places.shift();
        first.next();
      }
    };
  }

  /** See {@link Gate.queued}. */
  queued(actor: string): (then: () => void) => void {
    const over = this.#count(actor, "queued");
    return (next) => {
      over();
      next();
    };
  }

  #count(actor: string, what: "busy" | "queued"): () => void {
    const run = this.of(actor);
    if (run === undefined) return () => undefined;
    const lives = run.dead.size;
    run[what]++;
    return () => {
      // What a process that died was held up by is over already.
      if (run.dead.size === lives) run[what]--;
      this.#options.changed();
    };
  }

  /** See {@link Gate.takeSlot}. */
  takeSlot(actor: string): number {
    const slots = this.of(actor)?.slots ?? new Set<number>();
    let slot = 1;
    while (slots.has(slot)) slot++;
    slots.add(slot);
    return slot;
  }

  giveBack(actor: string, slot: number): void {
    this.of(actor)?.slots.delete(slot);
  }

  /** Whether an actor waits for something that is not up to it: its turn, a connection, a lock. */
  wait({ name, pending, queued }: Run): boolean {
    return pending.length > 0 || queued > 0 || this.#options.isBlocked(name);
  }

  /** Steps that may be taken now, actors in the program's order, then sessions; of steps in one session only the first. */
  choices(): GatedStep[] {
    const choices: GatedStep[] = [];
    for (const { pending } of this.runs) choices.push(...(pending.length < 2 ? pending : headsOf(pending)));
    if (this.#options.clock?.some === true) choices.push(...this.#timers(choices.length === 0));
    return choices;
  }

  /**
   * Timers of actors that wait for nothing else, the first to be due before the others: a client's own timeout does not
   * fire while its statement is under way.
   *
   * @param alone Whether nothing else could be done; else those that fired often enough in front of others wait for that.
   */
  #timers(alone: boolean): GatedStep[] {
    return this.runs
      .filter((run) => !run.done && run.busy === 0 && !this.wait(run) && (alone || run.early < mostEarly))
      .flatMap(({ name }) => this.#options.clock!.next(name) ?? [])
      .toSorted((a, b) => a.due - b.due)
      .map(({ step }) => step);
  }

  /** A timer of this actor fires, perhaps although others had something to do. */
  noteTimer(actor: string): void {
    if (this.runs.some(({ pending }) => pending.length > 0)) this.of(actor)!.early++;
  }

  /** The process of an actor's operation dies, and with it all that it wanted or was held up by. */
  kill(run: Run): void {
    run.dead.add(run.operation);
    run.pending.length = 0;
    run.queued = 0;
  }
}

/** Of steps in one session only the first may be taken. */
function headsOf(pending: readonly GatedStep[]): GatedStep[] {
  const heads = new Map<string, GatedStep>();
  for (const step of pending) if (!heads.has(step.session)) heads.set(step.session, step);
  // Numbers of connections have no leading zeros, so the shorter name is the smaller number.
  return [...heads.values()].toSorted(
    (a, b) => a.session.length - b.session.length || (a.session < b.session ? -1 : 1),
  );
}
