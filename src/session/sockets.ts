import net from "node:net";
import { UsageError } from "../errors.js";
import { currentActor } from "./context.js";

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;
type Write = (this: net.Socket, ...args: unknown[]) => boolean;

const key = Symbol.for("raceproof.sockets");

/**
 * Hears of every socket that an actor opens: what goes on in there cannot be scheduled, and is to be named. Our own
 * connections are opened as nobody's.
 */
export function hearSockets(): void {
  const registry = globalThis as { [key]?: true };
  if (registry[key] === true) return;
  registry[key] = true;
  const prototype = net.Socket.prototype as unknown as { connect: Connect };
  const connect = prototype.connect;
  prototype.connect = function (...args) {
    if (isOfPostgresJs()) refuseActors(this);
    currentActor()?.gate.uncontrolled(`a socket to ${targetOf(args)}`);
    return connect.apply(this, args);
  };
}

/** Whether the package `postgres` is calling. */
function isOfPostgresJs(): boolean {
  return /[\\/]node_modules[\\/]postgres[\\/]/.test(new Error("here").stack ?? "");
}

const sentence =
  "an actor uses postgres.js (the package `postgres`), which speaks Postgres' protocol itself, so its statements cannot be scheduled and would go to a database of yours. " +
  "raceproof schedules what goes through `pg`: test this code with `pg` (in Drizzle drizzle-orm/node-postgres, in Kysely PostgresDialect).";

/** An actor that opens one of its connections, or uses one that has been open for long. */
function refuseActors(socket: net.Socket): void {
  currentActor()?.gate.fail(new UsageError(sentence));
  const write = socket.write.bind(socket) as unknown as Write;
  socket.write = (...args: unknown[]) => {
    currentActor()?.gate.fail(new UsageError(sentence));
    return write.apply(socket, args);
  };
}

/** Where a call of `connect` leads, e.g. `localhost:6379`. */
function targetOf(args: readonly unknown[]): string {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === "object" && first !== null) {
    const { host = "localhost", port, path } = first as { host?: string; port?: number; path?: string };
    return path ?? `${host}:${port}`;
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return first;
  return `${typeof second === "string" ? second : "localhost"}:${String(first)}`;
}
