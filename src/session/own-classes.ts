import type { PgClient, PgClientClass, PgPool, PgPoolClass } from "./pg-types.js";

/** `pg-pool`'s own class: what `pg.Pool`, and whatever the user derived from it, is built on. */
export function basePool(pool: PgPool): PgPoolClass {
  return ownerOf("newClient", pool).constructor as PgPoolClass;
}

/** `pg`'s own class: one that the user derived from it may have settings of its own as to where it connects. */
export function baseClient(client: PgClient): PgClientClass {
  return ownerOf("getStartupConf", client).constructor as PgClientClass;
}

function ownerOf(method: string, object: object): object {
  let prototype = object;
  while (!Object.hasOwn(prototype, method)) prototype = Object.getPrototypeOf(prototype) as object;
  return prototype;
}
