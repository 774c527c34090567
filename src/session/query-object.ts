import { uncaught, type Done } from "./answering.js";
import { runAs } from "./context.js";
import type { QueryConfig } from "./pg-types.js";
import type { Holder, Session } from "./session.js";
import { operationOf, Statement } from "./statement.js";

/** What the driver tells a query object, so that it can report by itself. */
const heard = [
  "handleRowDescription",
  "handleDataRow",
  "handlePortalSuspended",
  "handleCommandComplete",
  "handleEmptyQuery",
  "handleCopyInResponse",
  "handleCopyData",
  "handleReadyForQuery",
  "handleError",
] as const;

type QueryObject = QueryConfig & {
  /** pg-query-stream keeps its cursor here. */
  readonly cursor?: { readonly text?: string };
} & { [name in (typeof heard)[number]]?: (...args: unknown[]) => unknown };

/** A query object (`new Query(…)`, a cursor): it reports by itself, on behalf of the actor, and is over when the connection is ready again. */
export function submitObject(
  session: Session,
  holder: Holder,
  send: (...args: unknown[]) => unknown,
  query: QueryObject,
  values: unknown,
  callback: unknown,
): unknown {
  const text = query.text ?? query.cursor?.text ?? "";
  const listen = (done: Done) => {
    let result: unknown;
    const note = (name: (typeof heard)[number], [message]: unknown[]) => {
      if (name === "handleCommandComplete") result = commandOf((message as { text?: string }).text ?? "");
      if (name === "handleError") done(message, undefined);
      if (name === "handleReadyForQuery") done(undefined, result);
    };
    for (const name of heard) {
      const original = query[name]?.bind(query);
      if (original === undefined) continue;
      query[name] = asActor(holder, (...args) => {
        note(name, args);
        return original(...args);
      });
    }
  };
  const statement = new Statement(
    session,
    holder,
    operationOf(holder),
    text,
    Array.isArray(query.values) ? query.values : [],
    (done) => {
      listen(done);
      send(query, values, callback);
    },
    false,
    () => undefined,
  );
  session.submit(statement);
  return query;
}

/** What a query object does with what it hears is the actor's doing; where it throws, so does the actor, to nobody. */
function asActor({ context }: Holder, body: (...args: unknown[]) => unknown) {
  return (...args: unknown[]): unknown => uncaught(context, () => runAs(context, () => body(...args)));
}

/** A command tag, e.g. `INSERT 0 5`, as the driver reads it. */
function commandOf(tag: string): { command: string; rowCount: number | null } {
  const [, command = "", first, second] = /^([A-Za-z]+)(?: (\d+))?(?: (\d+))?/.exec(tag) ?? [];
  const count = second ?? first;
  return { command, rowCount: count === undefined ? null : Number(count) };
}
