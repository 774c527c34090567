import { setTimeout as sleep } from "node:timers/promises";
import type { Keeper } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { Ending } from "../footprint/footprints.js";
import type { Choice, Scheduler } from "../strategy/strategy.js";
import type { SpecConnections } from "./connections.js";
import type { Observer, StepRun } from "./observer.js";
import { isHopeless, type Patience } from "./patience.js";
import { EndlessMarkers, type PermutationScheduler } from "./permutation-scheduler.js";

export interface WatchOptions {
  readonly lane: Lane;
  readonly connections: SpecConnections;
  readonly patience: Patience;
  readonly observer: Observer;
  readonly scheduler: PermutationScheduler;
}

/** Has the observer look whenever everything has come to rest, and cancels what will wait for ever. */
export class Watch implements Scheduler, Keeper {
  /** Names of the steps that were cancelled. */
  readonly cancelled: string[] = [];
  /** As long as there is an order to follow, the next step does not wait for a deadlock to be seen. */
  readonly victimsFirst: boolean;
  readonly #options: WatchOptions;
  readonly #over = new AbortController();
  #awaiting = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.victimsFirst = options.scheduler.taken !== undefined;
  }

  taken(step: Choice, after: Ending): void {
    this.#options.scheduler.taken?.(step, after);
  }

  choose(choices: readonly Choice[], last: Choice | undefined): number {
    this.#look();
    return this.#options.scheduler.choose(choices, last);
  }

  onlyWaiters(pids: readonly number[]): void {
    this.#look();
    this.#awaiting = true;
    const awaited = this.#awaited();
    if (awaited !== undefined) void this.#relieve(awaited, pids).catch(() => undefined);
  }

  /**
   * Once all steps are over.
   *
   * @throws {EndlessMarkers} When markers keep some of them from being reported.
   */
  finish(): void {
    const { observer } = this.#options;
    this.#look();
    observer.lookAgain();
    if (observer.waiting.length > 0) throw new EndlessMarkers(observer);
  }

  end(): void {
    this.#over.abort();
  }

  #look(): void {
    const { observer, scheduler } = this.#options;
    if (this.#awaiting) observer.lookAgain(scheduler.awaited);
    else observer.look();
    this.#awaiting = false;
  }

  /** The step that has to come to an answer before anything else can happen. */
  #awaited(): StepRun | undefined {
    const { observer, scheduler } = this.#options;
    const next = scheduler.awaited === undefined ? undefined : observer.active(scheduler.awaited);
    if (next?.results === undefined && next !== undefined) return next;
    return observer.waiting.find(({ results }) => results === undefined);
  }

  async #relieve(awaited: StepRun, waiters: readonly number[]): Promise<void> {
    const { lane, connections, patience, observer } = this.#options;
    const { session, name } = awaited.step.step;
    if (patience.interrupts) await sleep(patience.seconds * 1000, undefined, { signal: this.#over.signal });
    else if (!(await isHopeless(lane, connections.pid(session), waiters))) return;
    if (awaited.results !== undefined || this.cancelled.includes(name)) return;
    this.cancelled.push(name);
    observer.cancelling(awaited, patience.seconds);
    await connections.cancel(session);
  }
}
