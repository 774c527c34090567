import { createRequire } from "node:module";
import { gatedClientConnect, gatedEnd, gatedQuery } from "./gated-client.js";
import { gatedPoolConnect, gatedPoolEnd, gatedPoolQuery } from "./gated-pool.js";
import type { PgClient, PgPool } from "./pg-types.js";

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
