import { promisify } from "node:util";
import connectPgSimple from "connect-pg-simple";
import { ConnectSessionKnexStore } from "connect-session-knex";
import connectSequelize from "connect-session-sequelize";
import session from "express-session";
import knex from "knex";
import pg from "pg";
import { Sequelize } from "sequelize";
import { nowhere, nowhereUrl, promise } from "./promise.mjs";

const logoutIsKnown = "known, of all stores: expressjs/session#632";
const data = (user) => ({ cookie: { maxAge: 60_000 }, user });

/** The methods of a store, as promises. */
function promised(store) {
  return Object.fromEntries(
    ["get", "set", "destroy", "touch"].map((name) => [name, promisify(store[name].bind(store))]),
  );
}

const PgStore = connectPgSimple(session);
const SequelizeStore = connectSequelize(session.Store);
const sequelize = new Sequelize(nowhereUrl, { logging: false });
const stores = {
  "connect-pg-simple": {
    store: promised(new PgStore({ pool: new pg.Pool(nowhere), pruneSessionInterval: false })),
    schema: "create table session (sid varchar primary key, sess json not null, expire timestamp(6) not null)",
  },
  "connect-session-sequelize": {
    store: promised(new SequelizeStore({ db: sequelize, checkExpirationInterval: 0 })),
    schema: `create table "Sessions" (sid varchar(36) primary key, expires timestamptz, data text,
      "createdAt" timestamptz not null, "updatedAt" timestamptz not null)`,
  },
};

for (const [of, { store, schema }] of Object.entries(stores)) {
  const { get, set, destroy, touch } = store;
  const race = { schema, setup: () => set("s1", data("ann")) };

  promise({
    of,
    promise: "a request that changes nothing leaves nothing of a session that was logged out meanwhile",
    upstream: "nothing to report",
    race: {
      ...race,
      concurrently: {
        request: async () => {
          const found = await get("s1");
          if (found) await touch("s1", found);
        },
        logout: () => destroy("s1"),
      },
      invariants: { "logged out": async () => !(await get("s1")) },
    },
  });

  promise({
    of,
    promise: "a session that was logged out stays so, whatever a request that was under way saves",
    long: of !== "connect-pg-simple",
    breaks: "logged out: broken",
    upstream: logoutIsKnown,
    race: {
      ...race,
      concurrently: {
        request: async () => {
          const found = await get("s1");
          if (found) await set("s1", { ...found, seen: true });
        },
        logout: () => destroy("s1"),
      },
      invariants: { "logged out": async () => !(await get("s1")) },
    },
  });

  promise({
    of,
    promise: "of two that begin the same session each succeeds, and one of them stays",
    upstream: "nothing to report",
    race: {
      ...race,
      setup: () => undefined,
      concurrently: { one: () => set("s2", data("ann")), two: () => set("s2", data("bob")) },
      invariants: {
        "one stays": async () => ["ann", "bob"].includes((await get("s2")).user),
        "each succeeds": ({ results }) => Object.values(results).every(({ status }) => status === "fulfilled"),
      },
    },
  });
}

const { set, destroy } = stores["connect-session-sequelize"].store;

promise({
  of: "connect-session-sequelize",
  promise: "saving a session succeeds, also while another request saves it and it is logged out",
  breaks: "operations end as they may: run one throws TypeError; saving succeeds: broken",
  byHand: "the three at once, 200 times: 33 times a TypeError (`by-hand.mjs`)",
  upstream: "not found as a race; the same TypeError with read replicas is mweibel/connect-session-sequelize#145",
  race: {
    schema: stores["connect-session-sequelize"].schema,
    concurrently: {
      one: () => set("s2", data("ann")),
      two: () => set("s2", data("bob")),
      logout: () => destroy("s2"),
    },
    invariants: {
      "saving succeeds": ({ results: { one, two } }) => one.status === "fulfilled" && two.status === "fulfilled",
    },
  },
});

const knexDb = knex({ client: "pg", connection: nowhereUrl });
const knexSchema =
  "create table sessions (sid varchar(255) primary key, sess json not null, expired timestamptz not null)";
/** Made by whoever uses it: it looks for its table once it is made. */
const knexStore = () => promised(new ConnectSessionKnexStore({ knex: knexDb, cleanupInterval: 0 }));

promise({
  of: "connect-session-knex",
  promise: "of two that begin the same session each succeeds, and one of them stays",
  upstream: "known, and NOT found by us: gx0r/connect-session-knex#113",
  byHand:
    "two at once, 200 times: 9 times a duplicate key (`by-hand.mjs`). Both halves of the race lie in one statement, and statements are what raceproof puts in order",
  race: {
    schema: knexSchema,
    concurrently: { one: () => knexStore().set("s2", data("ann")), two: () => knexStore().set("s2", data("bob")) },
    invariants: {
      "one stays": async () => ["ann", "bob"].includes((await knexStore().get("s2")).user),
      "each succeeds": ({ results }) => Object.values(results).every(({ status }) => status === "fulfilled"),
    },
  },
});

promise({
  of: "connect-session-knex",
  promise: "two processes that start on an empty database get their table",
  breaks: "each succeeds: broken; operations end as they may: run one throws uncaught error",
  byHand:
    "two stores at once, 200 times: 172 times one failed, each time with an unhandled rejection, too, which ends a process (`by-hand.mjs`)",
  upstream: "not found in its issues; the same in another package is Julien-R44/verrou#15",
  race: {
    concurrently: { one: () => knexStore().set("s1", data("ann")), two: () => knexStore().set("s2", data("bob")) },
    invariants: {
      "each succeeds": ({ results }) => Object.values(results).every(({ status }) => status === "fulfilled"),
    },
  },
});

promise({
  of: "connect-session-knex",
  promise: "a session that was logged out stays so, whatever a request that was under way saves",
  long: true,
  breaks: "logged out: broken",
  upstream: logoutIsKnown,
  race: {
    schema: knexSchema,
    setup: () => knexStore().set("s1", data("ann")),
    concurrently: {
      request: async () => {
        const store = knexStore();
        const found = await store.get("s1");
        if (found) await store.set("s1", { ...found, seen: true });
      },
      logout: () => knexStore().destroy("s1"),
    },
    invariants: { "logged out": async () => !(await knexStore().get("s1")) },
  },
});
