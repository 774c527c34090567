import { isShortage, late, shortage, uncaught } from "./answering.js";
import { callersStack } from "./caller.js";
import { isDouble } from "./double.js";
import { currentActor, keepActor, runAs, runAsNobody } from "./context.js";
import type { Checkout, Original, PgPool } from "./pg-types.js";
import { sessionOf } from "./session.js";

/** `connect` of a pool: on an actor's behalf it is asked of the double on the actor's lane. */
export function gatedPoolConnect(original: Original<PgPool>) {
  return function connect(this: PgPool, callback?: Checkout): unknown {
    const context = currentActor();
    if (context === undefined) return original.call(this, callback);
    if (!isDouble(this)) return context.gate.connections.doubleOf(this).connect(callback);
    if (context.gate.isDead(context)) return callback === undefined ? new Promise(() => undefined) : undefined;
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        void this.connect((error, client) => (error === undefined || error === null ? resolve(client) : reject(error)));
      });
    }
    if (context.gate.over) return late(context, callback);
    const { gate, actor } = context;
    const free = this.idleCount > this.waitingCount || this.totalCount < this.options.max;
    const over = free ? gate.busy(actor) : gate.queued(actor);
    // Numbered as it is asked for: which of two connections is open first is a matter of luck.
    const slot = gate.takeSlot(actor);
    const hand = keepActor((...[error, client, release]: Parameters<Checkout>) => {
      const session = client === undefined ? undefined : sessionOf(client);
      if (session === undefined) gate.giveBack(actor, slot);
      if (isShortage(error)) gate.fail(shortage(error));
      // It stood in line when the execution was abandoned, or when its process died.
      if (gate.over || gate.isDead(context)) return release?.(true);
      session?.hold(context, slot);
      uncaught(context, () => callback(error, client, release));
    });
    const checkout: Checkout = (...given) => over(() => hand(...given));
    // As nobody: a new connection's socket must not carry this actor into whatever it reports later.
    runAsNobody(() => original.call(this, checkout));
    return undefined;
  };
}

/** `query` of a pool, likewise. */
export function gatedPoolQuery(original: Original<PgPool>) {
  return function query(this: PgPool, ...args: unknown[]): unknown {
    const context = currentActor();
    if (context === undefined || isDouble(this)) return original.apply(this, args);
    const ask = () => context.gate.connections.doubleOf(this).query(...args);
    return context.gate.wantsCallers ? runAs({ ...context, stack: callersStack() }, ask) : ask();
  };
}

/** `end` of a pool. */
export function gatedPoolEnd(original: Original<PgPool>) {
  return function end(this: PgPool, callback?: () => void): unknown {
    // The pool serves every execution; an actor that ends it ends it for itself, which here means: not at all.
    if (currentActor() === undefined || isDouble(this)) return original.call(this, callback);
    if (callback === undefined) return Promise.resolve();
    process.nextTick(callback);
    return undefined;
  };
}
