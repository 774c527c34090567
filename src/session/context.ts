import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import type { Gate } from "./gate.js";

/** On whose behalf code is running. */
export interface ActorContext {
  readonly gate: Gate;
  readonly actor: string;
  /** Index of the operation that it runs: one that nobody awaited may go on when the next has begun. */
  readonly operation: number;
  /** The stack of a call whose statement is issued later, once there is a connection for it. */
  readonly stack?: string;
}

// One store per process, even where two copies of this module are loaded (the command line's and a test's own): they
// must agree on whose statement it is.
const key = Symbol.for("raceproof.actor");
const registry = globalThis as { [key]?: AsyncLocalStorage<ActorContext> };
const storage = (registry[key] ??= new AsyncLocalStorage<ActorContext>());

/** The actor that the calling code runs for; undefined outside an execution. */
export function currentActor(): ActorContext | undefined {
  return storage.getStore();
}

/** Runs `body`, and all that it starts, as `context`'s actor. */
export function runAs<T>(context: ActorContext, body: () => T): T {
  return storage.run(context, body);
}

/** Runs `body` as nobody's: for sockets and timers that outlive the actor that happened to make them. */
export function runAsNobody<T>(body: () => T): T {
  return storage.exit(body);
}

/** A callback that keeps the caller's asynchronous context, our actor and whatever else is in it, wherever it is called from. */
export function keepActor<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  // Not `AsyncLocalStorage.bind`: what that adds to each function costs several times as much.
  const resource = new AsyncResource("raceproof");
  return (...args) => resource.runInAsyncScope(callback, undefined, ...args);
}
