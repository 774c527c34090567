import { answered, callbackIn } from "./answering.js";
import { keepActor, runAsNobody, type ActorContext } from "./context.js";
import type { PgClient, QueryConfig } from "./pg-types.js";
import { type Session, sessionOf } from "./session.js";

/** The arguments of a client's `query`. */
type Query = [config: unknown, values: unknown, callback: unknown];

/** What connections are told before they are used, by clients that are connected here: it stands for each of their doubles, too. */
const setUps = new WeakMap<object, string[]>();

/** The first statements of libraries that set up connections of their own, or ask what they are connected to. */
const aboutTheConnection =
  /^\s*(set\s+(?!transaction\b|local\b|constraints\b)|select\s+version\(\)|show\s)|\bpg_type\b|\bpg_range\b/i;

/** A query object of somebody's own answers in a way of its own: it is a step, whatever it says. */
export function isSetUp(config: unknown): boolean {
  if (typeof (config as QueryConfig).submit === "function") return false;
  const text = typeof config === "string" ? config : (config as QueryConfig).text;
  return text !== undefined && aboutTheConnection.test(text);
}

/** Passes without being a step: whether a connection is a new one depends on what was run before. */
export function setUp(
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

/** A client that is connected somewhere else: its statements go to what stands for it here. */
export function throughStandIn(context: ActorContext, client: PgClient, query: Query): unknown {
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
