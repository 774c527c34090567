import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import promises from "node:timers/promises";
import { promisify } from "node:util";
import { currentClock, VirtualTimer } from "./virtual-clock.js";

const key = Symbol.for("raceproof.clock");

/**
 * Shorter ones are how code lets others go first, and not how it waits: they run as they are, and the actor is waited for.
 * In milliseconds.
 */
const shortest = 5;

type Callback = (...args: unknown[]) => void;

/**
 * Puts virtual time in the places of `setTimeout`, `setInterval`, `node:timers`, `node:timers/promises`, `Date` and
 * `Math.random`. Only for code that runs for an actor whose execution has a clock; for all others they are what they were.
 */
export function installClock(): void {
  const registry = globalThis as { [key]?: true };
  if (registry[key] === true) return;
  registry[key] = true;
  replaceTimers();
  replaceDate();
  const random = Math.random.bind(Math);
  Math.random = () => {
    const current = currentClock();
    return current === undefined ? random() : current.clock.random(current.context.actor);
  };
}

function replaceTimers(): void {
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
  const waiting = promises.setTimeout;
  const replaced = {
    setTimeout: setting(setTimeout as never, false),
    setInterval: setting(setInterval as never, true),
    clearTimeout: clearing(clearTimeout as never),
    clearInterval: clearing(clearInterval as never),
  };
  const wait = (delay = 1, value?: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> => {
    const current = delay < shortest ? undefined : currentClock();
    if (current === undefined) return waiting(delay, value, options);
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const abort = () => {
        timer.close();
        reject(abortError(signal!));
      };
      const timer = current.clock.set(current.context, delay, false, () => {
        signal?.removeEventListener("abort", abort);
        resolve(value);
      });
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  };
  Object.defineProperty(replaced.setTimeout, promisify.custom, { value: wait });
  Object.assign(globalThis, replaced);
  Object.assign(timers, replaced);
  const iterating = promises.setInterval;
  Object.assign(promises, {
    setTimeout: wait,
    setInterval: (delay = 1, value?: unknown, options: { signal?: AbortSignal } = {}) =>
      delay < shortest || currentClock() === undefined
        ? iterating(delay, value, options)
        : repeating(wait, delay, value, options),
  });
  promises.scheduler.wait = (delay, options) => wait(delay, undefined, options) as Promise<void>;
  syncBuiltinESMExports();
}

async function* repeating<T>(
  wait: (delay: number, value: T, options: { signal?: AbortSignal }) => Promise<unknown>,
  delay: number,
  value: T,
  options: { signal?: AbortSignal },
): AsyncGenerator<T> {
  for (;;) {
    await wait(delay, value, options);
    yield value;
  }
}

function setting(original: (...args: unknown[]) => unknown, repeats: boolean) {
  return function (callback: Callback, delay?: number, ...args: unknown[]): unknown {
    const milliseconds = Number(delay);
    const current = milliseconds >= shortest && typeof callback === "function" ? currentClock() : undefined;
    if (current === undefined) return original(callback, delay, ...args);
    return current.clock.set(current.context, milliseconds, repeats, () => callback(...args));
  };
}

function clearing(original: (handle: unknown) => void) {
  return function (handle: unknown): void {
    if (handle instanceof VirtualTimer) return void handle.close();
    const timer = typeof handle === "number" ? currentClock()?.clock.byId(handle) : undefined;
    if (timer === undefined) original(handle);
    else timer.close();
  };
}

function abortError({ reason }: AbortSignal): Error {
  const error = new Error("The operation was aborted", { cause: reason });
  error.name = "AbortError";
  return Object.assign(error, { code: "ABORT_ERR" });
}

/** `new Date()`, `Date()` and `Date.now()`; a date that is made of something is what it was. */
function replaceDate(): void {
  const Original = globalThis.Date;
  const now = (): number => currentClock()?.clock.now ?? Original.now();
  globalThis.Date = new Proxy(Original, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new Original(now()).toString(),
    get: (target, property, receiver) =>
      property === "now" ? now : (Reflect.get(target, property, receiver) as unknown),
  });
}
