// What raceproof finds in the packages, once more without it: the same calls at the same time, many times over, on a Postgres
// of yours. `node by-hand.mjs postgres://…` says how often it went wrong. Everything is in a schema of its own, which goes.
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { KeyvPostgres } from "@keyv/postgres";
import pg from "pg";

const require = createRequire(import.meta.url);
const [, , url, rounds = "200"] = process.argv;
if (url === undefined) throw new Error("which Postgres? node by-hand.mjs postgres://…");
const schema = "raceproof_by_hand";
const admin = new pg.Client(url);
await admin.connect();
await admin.query(`drop schema if exists ${schema} cascade; create schema ${schema}`);
const at = new URL(url);
at.searchParams.set("options", `-c search_path=${schema}`);
const connectionString = at.href;

let uncaught = 0;
process.on("unhandledRejection", () => uncaught++);
const cookie = { maxAge: 60_000 };
const count = async (round) => {
  let wrong = 0;
  for (let i = 0; i < Number(rounds); i++) wrong += Number(await round(i));
  return `${wrong} of ${rounds}`;
};

const store = new KeyvPostgres({ uri: connectionString, schema });
const bothTold = await count(async () => {
  await store.set("a", "old");
  return (await Promise.all([store.delete("a"), store.delete("a")])).every(Boolean);
});
console.log(`@keyv/postgres: both deletes were told that the key was there: ${bothTold}`);

const knex = require("knex")({ client: "pg", connection: { connectionString } });
const { ConnectSessionKnexStore } = require("connect-session-knex");
const knexStore = () => new ConnectSessionKnexStore({ knex, cleanupInterval: 0 });
const setOf = (each) => promisify(each.set.bind(each));
const tables = await count(async () => {
  await knex.schema.dropTableIfExists("sessions");
  const sets = await Promise.allSettled([1, 2].map((n) => setOf(knexStore())(`s${n}`, { cookie })));
  return sets.some(({ status }) => status === "rejected");
});
console.log(
  `connect-session-knex: one of two that start failed: ${tables}; promises that rejected with nobody looking: ${uncaught}`,
);
const known = knexStore();
const twice = await count(async (i) => {
  const sets = await Promise.allSettled([1, 2].map(() => known.set(`t${i}`, { cookie })));
  return sets.some(({ status }) => status === "rejected");
});
console.log(`connect-session-knex: one of two that begin a session failed (known, not found by raceproof): ${twice}`);

const { Sequelize } = require("sequelize");
const { host, port, user: username, password, database } = admin;
const dialectOptions = { options: `-c search_path=${schema}` };
const sequelize = new Sequelize({
  dialect: "postgres",
  host,
  port,
  username,
  password,
  database,
  dialectOptions,
  logging: false,
  pool: { max: 10 },
});
const SequelizeStore = require("connect-session-sequelize")(require("express-session").Store);
const sessions = new SequelizeStore({ db: sequelize, checkExpirationInterval: 0 });
await sessions.sync();
const [set, destroy] = ["set", "destroy"].map((name) => promisify(sessions[name].bind(sessions)));
const failed = await count(async (i) => {
  const logout = async () => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    await destroy(`s${i}`);
  };
  const saving = [1, 2].map((n) => set(`s${i}`, { cookie, n }));
  const results = await Promise.allSettled([...saving, logout()]);
  return results.some(({ reason }) => reason instanceof TypeError);
});
console.log(`connect-session-sequelize: saving failed with a TypeError: ${failed}`);

await Promise.all([knex.destroy(), sequelize.close(), store.disconnect()]);
await admin.query(`drop schema ${schema} cascade`);
await admin.end();
