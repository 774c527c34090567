import type { Done } from "./answering.js";
import { keepActor } from "./context.js";
import type { QueryConfig } from "./pg-types.js";
import { submitObject } from "./query-object.js";
import type { Holder, Session } from "./session.js";
import { operationOf, Statement } from "./statement.js";

/**
 * Makes a call of `query` a step of whoever holds the connection.
 *
 * @param send The driver's own `query`.
 * @returns What `query` is to return.
 */
export function submit(
  session: Session,
  holder: Holder,
  send: (...args: unknown[]) => unknown,
  config: unknown,
  values: unknown,
  callback: unknown,
): unknown {
  const object = (typeof config === "string" ? { text: config } : config) as QueryConfig;
  if (typeof object.submit === "function") return submitObject(session, holder, send, object, values, callback);
  const own = [values, callback, object.callback].find((value) => typeof value === "function") as Done | undefined;
  const given = typeof values === "function" ? object.values : (values ?? object.values);
  // As they are now: the driver would have sent them at once.
  const parameters = Array.isArray(given) ? [...(given as unknown[])] : given;
  // The driver makes a costly copy of an object.
  const sent = typeof config === "string" ? [config, parameters] : [writable(object, parameters), undefined];
  const issue = (give: Done) =>
    session.submit(
      new Statement(
        session,
        holder,
        operationOf(holder),
        object.text ?? "",
        Array.isArray(parameters) ? parameters : [],
        (done, instead) => send(...(instead === undefined ? sent : [instead, undefined]), done),
        true,
        give,
      ),
    );
  if (own !== undefined) {
    issue(keepActor(own));
    return undefined;
  }
  return new Promise((resolve, rejectWith) => {
    issue((error, result) => (error === undefined ? resolve(result) : rejectWith(error)));
  }).catch((error: unknown) => {
    // As pg does: a stack that leads to the caller and not to the socket.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  });
}

/**
 * A query config that inherits all but what the driver may write into it: the user's own stays as it is, and may be
 * frozen, or an instance of a class with accessors.
 */
function writable(object: object, values: unknown): object {
  const own = { writable: true, enumerable: true, configurable: true };
  const properties = { values: { ...own, value: values }, callback: { ...own, value: undefined } };
  return Object.create(object, properties) as object;
}
