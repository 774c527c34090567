import { callersStack } from "./caller.js";
import { currentActor, type ActorContext } from "./context.js";
import type { GatedStep, LockWait } from "./gate.js";
import { outcomeOf, type Outcome } from "./outcome.js";
import type { Holder, Session } from "./session.js";

/**
 * Sends a statement by the driver, which calls `done` with the answer.
 *
 * @param instead SQL to send in its place.
 */
type Send = (done: (error: unknown, result: unknown) => void, instead: string | undefined) => void;

/** A pool's own statement is issued by nobody's code: then by whoever asked the pool. */
function stackOf(): string {
  return [callersStack(), currentActor()?.stack ?? ""].join("\n\n");
}

/** One `query` call on a gated connection. */
export class Statement implements GatedStep {
  readonly kind = "statement";
  readonly actor: string;
  readonly session: string;
  readonly stack: string | undefined;
  outcome: Outcome | undefined;
  waits = 0;
  lastWait: LockWait | undefined;
  transaction: "none" | "open" | "failed" = "none";
  hasResult = false;
  readonly #session: Session;
  readonly #context: ActorContext;
  readonly #give: (error: unknown, result: unknown) => void;
  readonly #send: Send;
  #error: unknown;
  #result: unknown;

  /**
   * @param operation For which operation of the actor's it was issued.
   * @param give Hands the answer to the code under test.
   */
  constructor(
    session: Session,
    holder: Holder,
    readonly operation: number,
    readonly text: string,
    readonly values: readonly unknown[],
    send: Send,
    /** Whether `send` can send something else instead. */
    readonly canFail: boolean,
    give: (error: unknown, result: unknown) => void,
  ) {
    this.#session = session;
    this.#context = holder.context;
    this.actor = holder.context.actor;
    this.session = holder.name;
    this.stack = this.gate.wantsCallers ? stackOf() : undefined;
    this.#send = send;
    this.#give = give;
  }

  get gate() {
    return this.#context.gate;
  }

  get pid(): number | null {
    return this.#session.pid;
  }

  get rows(): readonly unknown[] | undefined {
    const last = (Array.isArray(this.#result) ? this.#result.at(-1) : this.#result) as { rows?: unknown[] } | undefined;
    return last?.rows;
  }

  go(instead?: string): void {
    this.#session.send(this, instead);
  }

  get lost(): boolean {
    return this.#session.lost && !this.#session.cut;
  }

  run(instead: string | undefined): void {
    this.#send((error, result) => this.take(error, result), instead);
  }

  async lose(): Promise<readonly number[]> {
    const pid = this.#session.pid;
    await this.#session.break();
    this.#error = new Error("Connection terminated unexpectedly");
    this.#result = undefined;
    this.outcome = outcomeOf(this.#error, undefined);
    this.transaction = "none";
    return pid === null ? [] : [pid];
  }

  /** Keeps what the driver answered until Postgres says that it is ready again. */
  take(error: unknown, result: unknown): void {
    if (this.hasResult) return;
    this.hasResult = true;
    this.#error = error ?? undefined;
    this.#result = result;
    // An error of the driver's own (a parameter of the wrong kind, a closed connection, its `query_timeout`) is all that
    // there will be: it may never have asked Postgres, and does not wait for it.
    const own = this.#error !== undefined && (this.#error as { severity?: unknown }).severity === undefined;
    if (own) queueMicrotask(() => this.#session.complete(this));
  }

  answered(transaction: "none" | "open" | "failed"): void {
    this.transaction = transaction;
    this.outcome = outcomeOf(this.#error, this.#result);
    this.gate.changed();
  }

  waiting(wait: LockWait): void {
    this.waits++;
    this.lastWait = wait;
    this.gate.changed();
  }

  deliver(): void {
    this.#session.finish(this);
    try {
      this.#give(this.#error, this.#result);
    } catch (error) {
      // A callback that throws ends the process that it runs in.
      this.gate.crashed({ ...this.#context, operation: this.operation }, error);
    }
  }

  refuse(error: Error): void {
    this.#session.finish(this);
    try {
      this.#give(error, undefined);
    } catch {
      // Nobody is left to be told.
    }
  }
}

/** The operation that calls; where nobody does, the one that checked the connection out. */
export function operationOf({ context }: Holder): number {
  const current = currentActor();
  return current?.gate === context.gate && current.actor === context.actor ? current.operation : context.operation;
}
