import { PostgresError, RaceproofError } from "../errors.js";
import { keepActor, runAsNobody, type ActorContext } from "./context.js";

/** A callback of `pg`'s for the result of a query. */
export type Done = (error: unknown, result: unknown) => void;

/** A callback of `pg`'s for a client that has been connected or ended. */
export type Connected = (error: unknown, client?: unknown) => void;

/** Calls back, in the caller's context, or resolves, as `pg` would. */
export function answered(callback: Done | undefined, body: (done: Done) => void): unknown {
  if (callback !== undefined) {
    body(keepActor(callback));
    return undefined;
  }
  return new Promise((resolve, rejectWith) => {
    body((error, result) => (error === undefined || error === null ? resolve(result) : rejectWith(error)));
  });
}

/** The callback among the last arguments of a call, as `pg` looks for it. */
export function callbackIn(...maybe: unknown[]): Done | undefined {
  return maybe.find((value) => typeof value === "function") as Done | undefined;
}

/** Fails a call as `pg` would. */
export function reject(message: string, ...maybeCallbacks: unknown[]): Promise<never> | undefined {
  const error = new RaceproofError(message);
  const callback = callbackIn(...maybeCallbacks) as ((error: Error) => void) | undefined;
  if (callback === undefined) return Promise.reject(error);
  process.nextTick(callback, error);
  return undefined;
}

/** Answers an actor that goes on after its execution has ended. */
export function late(
  context: ActorContext,
  callback: ((error: unknown, ...nothing: never[]) => void) | undefined,
): unknown {
  const error = context.gate.tooLate(context.actor);
  if (error === undefined) return callback === undefined ? new Promise(() => undefined) : undefined;
  if (callback === undefined) return Promise.reject(error);
  setImmediate(callback, error);
  return undefined;
}

/** Code of an actor's that the driver calls: where it throws, the process that it is written for would end. */
export function uncaught(context: ActorContext, body: () => unknown): unknown {
  try {
    return body();
  } catch (error) {
    context.gate.crashed(context, error);
    return undefined;
  }
}

/** A server of ours that has no room for another connection is our shortage; the code under test has no part in it. */
export function isShortage(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === "53300";
}

export function shortage({ message }: Error): PostgresError {
  return new PostgresError(
    `Postgres has no connections left (${message}): use fewer lanes (--lanes), or a server with a larger max_connections`,
  );
}

/** Does something with a client that needs no scheduling; its actor is held up until it is done. */
export function whileBusy(
  context: ActorContext,
  callback: Connected | undefined,
  body: (done: (error: unknown) => void) => unknown,
  value: unknown,
): unknown {
  const over = context.gate.busy(context.actor);
  const run = (then: Connected) =>
    runAsNobody(() =>
      body((error) =>
        over(() => {
          if (isShortage(error)) context.gate.fail(shortage(error));
          if (error === undefined || error === null) then(error, value);
          else then(error);
        }),
      ),
    );
  if (callback !== undefined) return run(keepActor((...given) => void uncaught(context, () => callback(...given))));
  return new Promise((resolve, rejectWith) => {
    run((error) => (error === undefined || error === null ? resolve(value) : rejectWith(error)));
  });
}
