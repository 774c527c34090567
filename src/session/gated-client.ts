import { callbackIn, late, reject, whileBusy, type Connected } from "./answering.js";
import { currentActor, type ActorContext } from "./context.js";
import type { Original, PgClient } from "./pg-types.js";
import { type Session, sessionOf } from "./session.js";
import { isSetUp, setUp, throughStandIn } from "./stand-in.js";
import { submit } from "./submit.js";

/** `connect` of a client: one that an actor makes goes to the actor's lane, wherever it was to go. */
export function gatedClientConnect(original: Original<PgClient>) {
  return function connect(this: PgClient, callback?: Connected): unknown {
    const context = currentActor();
    if (context === undefined || sessionOf(this) !== undefined) return original.call(this, callback);
    if (context.gate.over) return late(context, callback);
    // Held by nobody yet: a library's own pool may give it to another actor than the one that asked for one.
    context.gate.connections.adopt(this);
    return whileBusy(context, callback, (done) => original.call(this, done), this);
  };
}

/** `end` of a client. */
export function gatedEnd(original: Original<PgClient>) {
  return function end(this: PgClient, callback?: Connected): unknown {
    const context = currentActor();
    const session = sessionOf(this);
    if (session !== undefined) session.ending = true;
    if (context === undefined || session === undefined) return original.call(this, callback);
    session.letGo();
    return whileBusy(context, callback, (done) => original.call(this, done), undefined);
  };
}

/** `query` of a client: a step of whoever holds the connection, or of whoever calls. */
export function gatedQuery(original: Original<PgClient>) {
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
