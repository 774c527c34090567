import { PostgresStore } from "@acpr/rate-limit-postgresql";
import pg from "pg";
import { migrate } from "postgres-migrations";
import { fileURLToPath } from "node:url";
import { PostgresStore as OldPostgresStore } from "rate-limit-postgresql-old";
import { RateLimiterPostgres } from "rate-limiter-flexible";
import { nowhere, promise } from "./promise.mjs";

const pool = new pg.Pool(nowhere);
const limiter = (options) =>
  new RateLimiterPostgres({
    storeClient: pool,
    tableName: "hits",
    tableCreated: true,
    clearExpiredByTimeout: false,
    ...options,
  });
const hits = "create table hits (key varchar(255) primary key, points integer not null default 0, expire bigint)";
const once = limiter({ points: 2, duration: 60 });
const blocking = limiter({ points: 1, duration: 60, blockDuration: 600 });

/** Whether a request may pass. */
const passes = (limit) => async () => {
  try {
    await limit.consume("ann");
    return true;
  } catch (reason) {
    if (reason instanceof Error) throw reason;
    return false;
  }
};
const passed = (results) =>
  Object.values(results)
    .flat()
    .filter(({ value }) => value === true).length;

promise({
  of: "rate-limiter-flexible",
  promise: "of three requests at once two pass where two points are allowed",
  upstream: "nothing to report",
  race: {
    schema: hits,
    concurrently: { one: passes(once), two: passes(once), three: passes(once) },
    invariants: { "two pass": ({ results }) => passed(results) === 2 },
  },
});

promise({
  of: "rate-limiter-flexible",
  promise: "whoever consumes more than there is stays blocked, and nobody else passes meanwhile",
  upstream: "nothing to report",
  race: {
    schema: hits,
    concurrently: { one: passes(blocking), two: passes(blocking), three: passes(blocking) },
    invariants: {
      "one passes": ({ results }) => passed(results) === 1,
      "blocked for long": async () => (await blocking.get("ann")).msBeforeNext > 60_000,
    },
  },
});

promise({
  of: "rate-limiter-flexible",
  promise: "points that are given back while others consume are not lost",
  upstream: "nothing to report",
  race: {
    schema: hits,
    concurrently: {
      one: passes(limiter({ points: 9, duration: 60 })),
      two: passes(limiter({ points: 9, duration: 60 })),
      reward: () => limiter({ points: 9, duration: 60 }).reward("ann"),
    },
    invariants: {
      "one is left": async () => (await limiter({ points: 9, duration: 60 }).get("ann")).consumedPoints === 1,
    },
  },
});

/** As its migrations make it; the constructor of the store would run them, too. */
const schemaOf =
  (name) =>
  async ({ url }) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await migrate({ client }, fileURLToPath(new URL(`../node_modules/${name}/dist/migrations`, import.meta.url)));
    await client.end();
  };

/** A store whose tables are there, with a pool from its own copy of `pg`. */
function storeOf(Store) {
  const session = { id: "init", name: "init", type: "aggregated" };
  const store = Object.create(
    Store.prototype,
    Object.getOwnPropertyDescriptors({ config: nowhere, prefix: "api", session }),
  );
  store.SESSION_TYPE = session.type;
  store.init({ windowMs: 60_000 });
  return store;
}

for (const [of, Store, breaks, upstream] of [
  [
    "rate-limit-postgresql-old",
    OldPostgresStore,
    "each is counted: broken",
    "known, and mended in 1.4: express-rate-limit/rate-limit-postgresql#17",
  ],
  ["@acpr/rate-limit-postgresql", PostgresStore, undefined, "the race of 1.3 (#17) is gone"],
]) {
  promise({
    of,
    promise: "two processes that count the first hits of a window count two",
    breaks,
    upstream,
    race: {
      schema: schemaOf(of),
      state: { counts: "select key, count from rate_limit.records_aggregated order by key" },
      concurrently: { one: () => storeOf(Store).increment("ann"), two: () => storeOf(Store).increment("ann") },
      invariants: {
        "each is counted": ({ results: { one, two } }) =>
          one.value !== undefined && two.value !== undefined && one.value.totalHits + two.value.totalHits === 3,
      },
    },
  });
}
