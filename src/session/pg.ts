import { createRequire } from "node:module";
import { RaceproofError } from "../errors.js";
import { isDouble } from "./connections.js";
import { currentActor, keepActor, runAsNobody, type ActorContext } from "./context.js";
import type { Checkout, PgClient, PgPool } from "./pg-types.js";
import { type Session, sessionOf, Statement } from "./session.js";

type Method = (this: never, ...args: never[]) => unknown;

const gated = Symbol.for("raceproof.gated");

/**
 * Puts the gate into a copy of `pg`: what an actor does through its `Pool` and `Client` becomes steps on the actor's
 * lane, whoever made the pool and whenever. Outside an execution everything is as it was.
 *
 * @param pg The module: `Client` and `Pool` are changed in place. Safe to call again.
 */
export function gatePg(pg: { readonly Client: object; readonly Pool: object }): void {
  const client = (pg.Client as { prototype: PgClient & { [gated]?: true } }).prototype;
  const pool = basePrototype((pg.Pool as { prototype: object }).prototype) as PgPool & { [gated]?: true };
  if (client[gated] === undefined) {
    client[gated] = true;
    wrap(client, "connect", gatedClientConnect);
    wrap(client, "query", gatedQuery);
    wrap(client, "end", gatedEnd);
  }
  if (pool[gated] === undefined) {
    pool[gated] = true;
    wrap(pool, "connect", gatedPoolConnect);
    wrap(pool, "query", gatedPoolQuery);
    wrap(pool, "end", gatedPoolEnd);
  }
}

/** Gates the copy of `pg` that a file would load, if there is one. */
export function gatePgOf(file: string): void {
  let pg: Parameters<typeof gatePg>[0];
  try {
    pg = createRequire(file)("pg") as typeof pg;
  } catch {
    return;
  }
  gatePg(pg);
}

function basePrototype(prototype: object): object {
  let base = prototype;
  while (!Object.hasOwn(base, "newClient")) base = Object.getPrototypeOf(base) as object;
  return base;
}

function wrap<T extends object>(target: T, name: keyof T & string, make: (original: never) => Method): void {
  (target as Record<string, unknown>)[name] = make(target[name] as never);
}

type Original<T> = (this: T, ...args: unknown[]) => unknown;

function gatedClientConnect(original: Original<PgClient>) {
  return function connect(this: PgClient, callback?: (error: unknown) => void): unknown {
    const context = currentActor();
    if (context === undefined || sessionOf(this) !== undefined) return original.call(this, callback);
    context.gate.connections.adopt(this).hold(context);
    return whileBusy(context, callback, (done) => original.call(this, done), this);
  };
}

function gatedEnd(original: Original<PgClient>) {
  return function end(this: PgClient, callback?: (error: unknown) => void): unknown {
    const context = currentActor();
    const session = sessionOf(this);
    if (context === undefined || session === undefined) return original.call(this, callback);
    session.letGo();
    return whileBusy(context, callback, (done) => original.call(this, done), undefined);
  };
}

function gatedPoolConnect(original: Original<PgPool>) {
  return function connect(this: PgPool, callback?: Checkout): unknown {
    const context = currentActor();
    if (context === undefined) return original.call(this, callback);
    if (!isDouble(this)) return context.gate.connections.doubleOf(this).connect(callback);
    if (callback === undefined) {
      return new Promise((resolve, reject) => {
        void this.connect((error, client) => (error === undefined || error === null ? resolve(client) : reject(error)));
      });
    }
    const free = this.idleCount > this.waitingCount || this.totalCount < this.options.max;
    const over = free ? context.gate.busy(context.actor) : context.gate.queued(context.actor);
    const checkout = keepActor((...[error, client, release]: Parameters<Checkout>) => {
      over();
      if (client !== undefined) sessionOf(client)?.hold(context);
      callback(error, client, release);
    });
    // As nobody: a new connection's socket must not carry this actor into whatever it reports later.
    runAsNobody(() => original.call(this, checkout));
    return undefined;
  };
}

function gatedPoolQuery(original: Original<PgPool>) {
  return function query(this: PgPool, ...args: unknown[]): unknown {
    const context = currentActor();
    if (context === undefined || isDouble(this)) return original.apply(this, args);
    return context.gate.connections.doubleOf(this).query(...args);
  };
}

function gatedPoolEnd(original: Original<PgPool>) {
  return function end(this: PgPool, callback?: () => void): unknown {
    // The pool serves every execution; an actor that ends it ends it for itself, which here means: not at all.
    if (currentActor() === undefined || isDouble(this)) return original.call(this, callback);
    if (callback === undefined) return Promise.resolve();
    process.nextTick(callback);
    return undefined;
  };
}

function gatedQuery(original: Original<PgClient>) {
  return function query(this: PgClient, config: unknown, values?: unknown, callback?: unknown): unknown {
    const session = sessionOf(this);
    if (config === null || config === undefined || session?.settingUp === true)
      return original.call(this, config, values, callback);
    const context = currentActor();
    if (session === undefined) {
      if (context === undefined) return original.call(this, config, values, callback);
      return reject(notOurs, values, callback);
    }
    // Events of the driver run as nobody: such a statement belongs to whoever holds the connection.
    if (session.holder === undefined)
      return context === undefined ? original.call(this, config, values, callback) : reject(released, values, callback);
    return submit(session, session.holder, original.bind(this), config, values, callback);
  };
}

const notOurs =
  "This pg client was connected before the execution began, to a database that raceproof did not make, so its statements are refused. " +
  "Use a Pool, or connect the client inside the operation.";
const released = "This pg client was released (or belongs to an execution that is over), so the statement is refused.";

function reject(message: string, ...maybeCallbacks: unknown[]): Promise<never> | undefined {
  const error = new RaceproofError(message);
  const callback = maybeCallbacks.find((value) => typeof value === "function") as ((error: Error) => void) | undefined;
  if (callback === undefined) return Promise.reject(error);
  process.nextTick(callback, error);
  return undefined;
}

interface QueryConfig {
  readonly text?: string;
  readonly values?: unknown[];
  readonly submit?: unknown;
  readonly callback?: unknown;
  /** pg-query-stream keeps its cursor here. */
  readonly cursor?: { readonly text?: string };
}

type Done = (error: unknown, result: unknown) => void;

function submit(
  session: Session,
  holder: NonNullable<Session["holder"]>,
  send: (...args: unknown[]) => unknown,
  config: unknown,
  values: unknown,
  callback: unknown,
): unknown {
  const object = (typeof config === "string" ? { text: config } : config) as QueryConfig;
  if (typeof object.submit === "function") return submitObject(session, holder, send, object, values, callback);
  const own = [values, callback, object.callback].find((value) => typeof value === "function") as Done | undefined;
  const parameters = Array.isArray(values) ? (values as unknown[]) : object.values;
  // A copy that inherits: the driver writes its callback into the object it is given.
  const sent = typeof config === "string" ? config : (Object.create(object) as object);
  const issue = (give: Done) =>
    session.submit(
      new Statement(session, holder, object.text ?? "", parameters ?? [], (done) => send(sent, parameters, done), give),
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

/** A query object (`new Query(…)`, a cursor): it reports by itself and is over when the connection is ready again. */
function submitObject(
  session: Session,
  holder: NonNullable<Session["holder"]>,
  send: (...args: unknown[]) => unknown,
  query: QueryConfig,
  values: unknown,
  callback: unknown,
): unknown {
  const text = query.text ?? query.cursor?.text ?? "";
  const statement = new Statement(
    session,
    holder,
    text,
    query.values ?? [],
    (done) => {
      send(query, values, callback);
      done(undefined, undefined);
    },
    () => undefined,
  );
  session.submit(statement);
  return query;
}

function whileBusy(
  context: ActorContext,
  callback: ((error: unknown) => void) | undefined,
  body: (done: (error: unknown) => void) => unknown,
  value: unknown,
): unknown {
  const over = context.gate.busy(context.actor);
  const run = (then: (error: unknown) => void) =>
    runAsNobody(() =>
      body((error) => {
        over();
        then(error);
      }),
    );
  if (callback !== undefined) return run(keepActor(callback));
  return new Promise((resolve, rejectWith) => {
    run((error) => (error === undefined || error === null ? resolve(value) : rejectWith(error)));
  });
}
