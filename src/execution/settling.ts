import { setImmediate as immediate } from "node:timers/promises";
import { PostgresError, RaceproofError } from "../errors.js";
import { uncontrolledResources } from "../session/uncontrolled.js";
import type { VirtualClock } from "../session/virtual-clock.js";
import type { Actors, Run } from "./actors.js";
import type { Limits } from "./assignment.js";
import type { Bell } from "./bell.js";
import type { Step } from "./trace.js";

/** The actors of executions that are under way in this process. */
const underWay = new Set<Actors>();

/** Libraries with a pool of their own may wait for a connection that was asked for in another lane's execution. */
function anyIsBusy(): boolean {
  return [...underWay].some(({ areBusy }) => areBusy);
}

export interface SettlingOptions {
  readonly actors: Actors;
  readonly clock: VirtualClock | undefined;
  /** Rung whenever something has changed. */
  readonly bell: Bell;
  readonly limits: Limits;
  /** Throws, once nothing can be told of the execution any more. */
  readonly check: () => void;
  /** The last step that an actor took. */
  readonly lastStepOf: (actor: string) => Step | undefined;
}

/** Tells when every actor of an execution has come as far as it can by itself, so that somebody has to choose. */
export class Settling {
  readonly #options: SettlingOptions;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  begin(): void {
    underWay.add(this.#options.actors);
  }

  end(): void {
    underWay.delete(this.#options.actors);
  }

  /**
   * Waits until every actor has issued a statement, waits for somebody else, or is done.
   *
   * @throws {RaceproofError} When one of them does something uncontrolled for longer than the limit.
   */
  async settle(): Promise<void> {
    const { actors, bell, limits } = this.#options;
    await immediate();
    if (this.#settled()) return;
    const begin = performance.now();
    for (;;) {
      await bell.wait(1);
      await immediate();
      if (this.#settled()) return;
      const waited = performance.now() - begin;
      // Nothing of the outside world is under way: the actor waits for another one, inside the process (a mutex, say).
      if (!anyIsBusy() && waited > 20 && actors.choices().length > 0 && uncontrolledResources().length === 0) return;
      if (waited > (actors.areBusy ? limits.statement : limits.uncontrolled)) throw this.uncontrolled();
    }
  }

  #settled(): boolean {
    const { actors, check } = this.#options;
    check();
    return actors.runs.every((run) => run.busy === 0 && (run.done || actors.wait(run) || this.#sleeps(run)));
  }

  /** Whether an actor waits for nothing but time: what else it may wait for would be seen. */
  #sleeps({ name }: Run): boolean {
    return this.#options.clock?.has(name) === true && !anyIsBusy() && uncontrolledResources().length === 0;
  }

  /** Names the actor that has not settled. */
  uncontrolled(): RaceproofError {
    const { actors, limits, lastStepOf } = this.#options;
    const run = actors.runs.find(
      ({ busy, done, pending, queued }) => busy > 0 || (!done && pending.length === 0 && queued === 0),
    )!;
    if (run.busy > 0)
      return new PostgresError(`"${run.name}" could not open a connection to Postgres within ${limits.statement} ms`);
    const call = run.calls[run.operation];
    const last = lastStepOf(run.name);
    const after = last === undefined ? "before its first statement" : `after: ${last.text.trim()}`;
    const what = uncontrolledResources().join(", ") || "a promise that nothing resolves";
    return new RaceproofError(
      `"${run.name}" did something that raceproof does not control for more than ${limits.uncontrolled} ms (${what}), in operation "${call?.operation}", ${after}`,
    );
  }
}
