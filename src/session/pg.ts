import { createRequire } from "node:module";
import { PostgresError, RaceproofError } from "../errors.js";
import { callersStack } from "./caller.js";
import { isDouble } from "./connections.js";
import { currentActor, keepActor, runAs, runAsNobody, type ActorContext } from "./context.js";
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
  gateClient((pg.Client as { prototype: object }).prototype);
  gatePool(basePrototype((pg.Pool as { prototype: object }).prototype));
}

/** The same for the prototype of `pg`'s own class of clients alone. */
export function gateClient(prototype: object): void {
  const client = prototype as PgClient & { [gated]?: true };
  if (client[gated] !== undefined) return;
  client[gated] = true;
  wrap(client, "connect", gatedClientConnect);
  wrap(client, "query", gatedQuery);
  wrap(client, "end", gatedEnd);
}

/** The same for the prototype of `pg-pool`'s own class alone. */
export function gatePool(prototype: object): void {
  const pool = prototype as PgPool & { [gated]?: true };
  if (pool[gated] !== undefined) return;
  pool[gated] = true;
  wrap(pool, "connect", gatedPoolConnect);
  wrap(pool, "query", gatedPoolQuery);
  wrap(pool, "end", gatedPoolEnd);
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
  return function connect(this: PgClient, callback?: Connected): unknown {
    const context = currentActor();
    if (context === undefined || sessionOf(this) !== undefined) return original.call(this, callback);
    if (context.gate.over) return late(context, callback);
    // Held by nobody yet: a library's own pool may give it to another actor than the one that asked for one.
    context.gate.connections.adopt(this);
    return whileBusy(context, callback, (done) => original.call(this, done), this);
  };
}

function gatedEnd(original: Original<PgClient>) {
  return function end(this: PgClient, callback?: Connected): unknown {
    const context = currentActor();
    const session = sessionOf(this);
    if (session !== undefined) session.ending = true;
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

function gatedPoolQuery(original: Original<PgPool>) {
  return function query(this: PgPool, ...args: unknown[]): unknown {
    const context = currentActor();
    if (context === undefined || isDouble(this)) return original.apply(this, args);
    const ask = () => context.gate.connections.doubleOf(this).query(...args);
    return context.gate.wantsCallers ? runAs({ ...context, stack: callersStack() }, ask) : ask();
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
    if (context !== undefined && session?.pooled !== true) {
      if (context.gate.over || context.gate.isDead(context)) return late(context, callbackIn(values, callback));
      if (session === undefined || session.owner !== context.gate.connections || session.lost)
        return throughStandIn(context, this, [config, values, callback]);
      takeHold(session, context);
      if (session.fresh && isSetUp(config))
        return setUp(context, session, original.bind(this), [config, values, callback]);
    }
    if (session === undefined) return original.call(this, config, values, callback);
    // Events of the driver run as nobody: such a statement belongs to whoever holds the connection.
    if (session.holder === undefined)
      return context === undefined ? original.call(this, config, values, callback) : reject(released, values, callback);
    return submit(session, session.holder, original.bind(this), config, values, callback);
  };
}

const released = "This pg client was released (or belongs to an execution that is over), so the statement is refused.";

/**
 * A client that is in no pool of `pg`'s is held by whoever uses it: the library that it belongs to may hand it on between
 * transactions without telling.
 */
function takeHold(session: Session, context: ActorContext): void {
  const { holder } = session;
  if (holder?.context.gate === context.gate && (holder.context.actor === context.actor || !session.idle)) return;
  // Which one the library hands out is its own affair: what the actor is through with is no second connection.
  context.gate.connections.letGoOfIdle(context.actor);
  if (holder?.context.gate === context.gate) session.letGo();
  session.hold(context, context.gate.takeSlot(context.actor));
}

type Query = [config: unknown, values: unknown, callback: unknown];

/** What connections are told before they are used, by clients that are connected here: it stands for each of their doubles, too. */
const setUps = new WeakMap<object, string[]>();

/** The first statements of libraries that set up connections of their own, or ask what they are connected to. */
const aboutTheConnection =
  /^\s*(set\s+(?!transaction\b|local\b|constraints\b)|select\s+version\(\)|show\s)|\bpg_type\b|\bpg_range\b/i;

/** A query object of somebody's own answers in a way of its own: it is a step, whatever it says. */
function isSetUp(config: unknown): boolean {
  if (typeof (config as QueryConfig).submit === "function") return false;
  const text = typeof config === "string" ? config : (config as QueryConfig).text;
  return text !== undefined && aboutTheConnection.test(text);
}

/** Passes without being a step: whether a connection is a new one depends on what was run before. */
function setUp(
  context: ActorContext,
  session: Session,
  send: (...args: unknown[]) => unknown,
  [config, values, callback]: Query,
): unknown {
  const text = typeof config === "string" ? config : (config as QueryConfig).text!;
  setUps.set(session.client, [...(setUps.get(session.client) ?? []), text]);
  const over = context.gate.busy(context.actor);
  return answered(callbackIn(values, callback), (done) => {
    const given = typeof values === "function" ? undefined : values;
    runAsNobody(() => send(config, given, (error: unknown, result: unknown) => over(() => done(error, result))));
  });
}

/** Calls back, in the caller's context, or resolves, as `pg` would. */
function answered(callback: Done | undefined, body: (done: Done) => void): unknown {
  if (callback !== undefined) {
    body(keepActor(callback));
    return undefined;
  }
  return new Promise((resolve, rejectWith) => {
    body((error, result) => (error === undefined || error === null ? resolve(result) : rejectWith(error)));
  });
}

/** A client that is connected somewhere else: its statements go to what stands for it here. */
function throughStandIn(context: ActorContext, client: PgClient, query: Query): unknown {
  const standIn = context.gate.connections.standInOf(client);
  const { session } = standIn;
  const elsewhere = sessionOf(client);
  if (elsewhere !== undefined) elsewhere.unused = 0;
  const issue = () => standIn.client.query(...query);
  if (standIn.open !== undefined && session.pid !== null && !session.settingUp) return issue();
  standIn.open ??= runAsNobody(() => opened(standIn.client, session, setUps.get(client) ?? []));
  const over = context.gate.busy(context.actor);
  const [config, values, callback] = query;
  const opening = standIn.open;
  if (typeof (config as QueryConfig).submit === "function" || callbackIn(values, callback) !== undefined) {
    const issued = keepActor(() => void issue());
    opening.then(
      () => over(issued),
      (error: unknown) => context.gate.fail(error as Error),
    );
    return typeof (config as QueryConfig).submit === "function" ? config : undefined;
  }
  return opening.then(() => new Promise((resolve) => over(() => resolve(undefined)))).then(issue);
}

/** Opens what stands for a client, and tells it what that was told. */
async function opened(client: PgClient, session: Session, texts: readonly string[]): Promise<void> {
  session.settingUp = true;
  await client.connect();
  for (const text of texts) await client.query(text);
  session.settingUp = false;
}

function callbackIn(...maybe: unknown[]): Done | undefined {
  return maybe.find((value) => typeof value === "function") as Done | undefined;
}

function reject(message: string, ...maybeCallbacks: unknown[]): Promise<never> | undefined {
  const error = new RaceproofError(message);
  const callback = callbackIn(...maybeCallbacks) as ((error: Error) => void) | undefined;
  if (callback === undefined) return Promise.reject(error);
  process.nextTick(callback, error);
  return undefined;
}

/** Answers an actor that goes on after its execution has ended. */
function late(context: ActorContext, callback: ((error: unknown, ...nothing: never[]) => void) | undefined): unknown {
  const error = context.gate.tooLate(context.actor);
  if (error === undefined) return callback === undefined ? new Promise(() => undefined) : undefined;
  if (callback === undefined) return Promise.reject(error);
  setImmediate(callback, error);
  return undefined;
}

type Connected = (error: unknown, client?: unknown) => void;

interface QueryConfig {
  readonly text?: string;
  readonly values?: unknown;
  readonly submit?: unknown;
  readonly callback?: unknown;
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
  const given = typeof values === "function" ? object.values : (values ?? object.values);
  // As they are now: the driver would have sent them at once.
  const parameters = Array.isArray(given) ? [...(given as unknown[])] : given;
  const sent = typeof config === "string" ? { text: config, values: parameters } : writable(object, parameters);
  const issue = (give: Done) =>
    session.submit(
      new Statement(
        session,
        holder,
        operationOf(holder),
        object.text ?? "",
        Array.isArray(parameters) ? parameters : [],
        (done, instead) => send(instead === undefined ? sent : { text: instead }, undefined, done),
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

/** The operation that calls; where nobody does, the one that checked the connection out. */
function operationOf({ context }: NonNullable<Session["holder"]>): number {
  const current = currentActor();
  return current?.gate === context.gate && current.actor === context.actor ? current.operation : context.operation;
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
function submitObject(
  session: Session,
  holder: NonNullable<Session["holder"]>,
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
function asActor({ context }: NonNullable<Session["holder"]>, body: (...args: unknown[]) => unknown) {
  return (...args: unknown[]): unknown => uncaught(context, () => runAs(context, () => body(...args)));
}

/** Code of an actor's that the driver calls: where it throws, the process that it is written for would end. */
function uncaught(context: ActorContext, body: () => unknown): unknown {
  try {
    return body();
  } catch (error) {
    context.gate.crashed(context, error);
    return undefined;
  }
}

/** A server of ours that has no room for another connection is our shortage; the code under test has no part in it. */
function isShortage(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === "53300";
}

function shortage({ message }: Error): PostgresError {
  return new PostgresError(
    `Postgres has no connections left (${message}): use fewer lanes (--lanes), or a server with a larger max_connections`,
  );
}

/** A command tag, e.g. `INSERT 0 5`, as the driver reads it. */
function commandOf(tag: string): { command: string; rowCount: number | null } {
  const [, command = "", first, second] = /^([A-Za-z]+)(?: (\d+))?(?: (\d+))?/.exec(tag) ?? [];
  const count = second ?? first;
  return { command, rowCount: count === undefined ? null : Number(count) };
}

function whileBusy(
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
