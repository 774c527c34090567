import { currentActor, keepActor, type ActorContext } from "./context.js";
import type { GatedStep } from "./gate.js";
import { passing } from "./timer-step.js";
import { StepWithoutStatement } from "./yield-point.js";

/** A timer of an actor's. In the places of `NodeJS.Timeout`, so it can do what one of those can. */
export class VirtualTimer {
  due = 0;
  readonly #clock: VirtualClock;

  constructor(
    clock: VirtualClock,
    readonly context: ActorContext,
    /** Milliseconds. */
    readonly delay: number,
    readonly repeats: boolean,
    readonly fire: () => void,
  ) {
    this.#clock = clock;
  }

  close(): this {
    this.#clock.cancel(this);
    return this;
  }

  refresh(): this {
    this.#clock.start(this);
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.toPrimitive](): number {
    return this.#clock.idOf(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** How many timers may have fired in one execution before it is one that never comes to an end. */
const mostFired = 1_000;

/**
 * The time of one execution. It stands still but for a millisecond per step, and moves on when the schedule lets a timer
 * be due: a retry after thirty seconds is a step like any other. Timers of one actor fire in the order in which they are
 * due; those of different actors in any order, as processes may be as slow as they like.
 */
export class VirtualClock {
  readonly #begin = Date.now();
  #elapsed = 0;
  #fired = 0;
  readonly #timers = new Set<VirtualTimer>();
  readonly #ids: VirtualTimer[] = [];
  readonly #random = new Map<string, () => number>();

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#begin + this.#elapsed;
  }

  /** Whether any timer is set. */
  get some(): boolean {
    return this.#timers.size > 0;
  }

  /** Whether timers have fired so often that they will for ever. */
  get endless(): boolean {
    return this.#fired > mostFired;
  }

  /** A step has been taken. */
  tick(): void {
    this.#elapsed++;
  }

  /** Sets a timer for the actor that calls. */
  set(context: ActorContext, delay: number, repeats: boolean, fire: () => void): VirtualTimer {
    const timer = new VirtualTimer(this, context, Math.max(1, delay), repeats, keepActor(fire));
    this.start(timer);
    return timer;
  }

  /** Starts it, or starts it anew. */
  start(timer: VirtualTimer): void {
    timer.due = this.#elapsed + timer.delay;
    this.#timers.add(timer);
    timer.context.gate.changed();
  }

  cancel(timer: VirtualTimer): void {
    this.#timers.delete(timer);
  }

  /** As a number, for code that keeps numbers. */
  idOf(timer: VirtualTimer): number {
    const known = this.#ids.indexOf(timer);
    return known >= 0 ? known + firstId : this.#ids.push(timer) - 1 + firstId;
  }

  byId(id: number): VirtualTimer | undefined {
    return this.#ids[id - firstId];
  }

  /** The actor is gone, or the execution is over. */
  drop(actor?: string): void {
    for (const timer of this.#timers) if (actor === undefined || timer.context.actor === actor) this.cancel(timer);
  }

  /** The actor's next timer, as a step, and when it is due. */
  next(actor: string): { readonly due: number; readonly step: GatedStep } | undefined {
    let first: VirtualTimer | undefined;
    for (const timer of this.#timers)
      if (timer.context.actor === actor && (first === undefined || timer.due < first.due)) first = timer;
    return first === undefined ? undefined : { due: first.due, step: this.#stepOf(first) };
  }

  /** Whether the actor waits for time to pass. */
  has(actor: string): boolean {
    return [...this.#timers].some((timer) => timer.context.actor === actor);
  }

  /** A number from 0 to below 1: the same ones for an actor in every execution, as schedules must lead to the same steps. */
  random(actor: string): number {
    const generator =
      this.#random.get(actor) ?? mulberry32(Buffer.from(actor).reduce((sum, byte) => Math.imul(sum, 31) + byte, 7));
    this.#random.set(actor, generator);
    return generator();
  }

  #stepOf(timer: VirtualTimer): GatedStep {
    const { context } = timer;
    const passes = () => {
      this.#elapsed = Math.max(this.#elapsed, timer.due);
      this.#fired++;
      if (timer.repeats) timer.due = this.#elapsed + timer.delay;
      else this.cancel(timer);
    };
    const rest = {
      stack: undefined,
      deliver: () => {
        try {
          timer.fire();
        } catch (error) {
          // A timer that throws ends the process that it runs in.
          context.gate.crashed(context, error);
        }
      },
      refuse: () => undefined,
    };
    return new StepWithoutStatement(context, `${passing}${durationText(timer.delay)}`, rest, passes);
  }
}

/** Above any that Node gives out in one process. */
const firstId = 2 ** 40;

/** The clock that the calling code lives by; undefined where it is everybody's. */
export function currentClock(): { readonly clock: VirtualClock; readonly context: ActorContext } | undefined {
  const context = currentActor();
  const clock = context?.gate.clock;
  return context === undefined || clock === undefined || context.gate.over ? undefined : { clock, context };
}

function durationText(milliseconds: number): string {
  const units = [
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1_000],
  ] as const;
  const [unit, length] = units.find(([, length]) => milliseconds >= length) ?? ["ms", 1];
  return `${Number((milliseconds / length).toFixed(1))} ${unit}`;
}

/** Tommy Ettinger's generator of 32 bits (2017), in the public domain. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
