import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as migrateDrizzle } from "drizzle-orm/node-postgres/migrator";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { migrate } from "postgres-migrations";
import Postgrator from "postgrator";
import { Sequelize } from "sequelize";
import { SequelizeStorage, Umzug } from "umzug";
import { afterAll } from "vitest";
import { nowhere, nowhereUrl, promise } from "./promise.mjs";

// One migration that must be run once: it would be noticed if it were not.
const sql = "insert into t values (42);";
const folder = mkdtempSync(path.join(os.tmpdir(), "migrations-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(...where) {
  const name = path.join(folder, ...where);
  mkdirSync(path.dirname(name), { recursive: true });
  return name;
}
writeFileSync(file("plain", "1_answer.sql"), sql);
writeFileSync(file("postgrator", "001.do.answer.sql"), sql);
writeFileSync(file("node-pg-migrate", "1_answer.sql"), `-- Up Migration\n${sql}\n-- Down Migration\n`);
writeFileSync(file("drizzle", "0000_answer.sql"), sql);
const entries = [{ idx: 0, version: "7", when: 1, tag: "0000_answer", breakpoints: true }];
writeFileSync(
  file("drizzle", "meta", "_journal.json"),
  JSON.stringify({ version: "7", dialect: "postgresql", entries }),
);

const pool = new pg.Pool(nowhere);
const sequelize = new Sequelize(nowhereUrl, { logging: false });

async function connected(work) {
  const client = new pg.Client(nowhere);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const migrateWith = {
  "postgres-migrations": () => connected((client) => migrate({ client }, path.join(folder, "plain"))),
  postgrator: () =>
    connected((client) =>
      new Postgrator({
        driver: "pg",
        migrationPattern: path.join(folder, "postgrator/*"),
        execQuery: (query) => client.query(query),
      }).migrate(),
    ),
  "node-pg-migrate": () =>
    connected((dbClient) =>
      runner({
        dbClient,
        dir: path.join(folder, "node-pg-migrate"),
        direction: "up",
        migrationsTable: "done",
        log: () => {},
        advisoryLockMode: "wait",
      }),
    ),
  "drizzle-orm": () => migrateDrizzle(drizzle(pool), { migrationsFolder: path.join(folder, "drizzle") }),
  umzug: () =>
    new Umzug({
      migrations: [{ name: "1_answer", up: () => sequelize.query(sql) }],
      storage: new SequelizeStorage({ sequelize }),
      logger: undefined,
    }).up(),
};

const expected = {
  "postgres-migrations": { executions: 12, upstream: "an advisory lock since 4.0: ThomWright/postgres-migrations#23" },
  postgrator: {
    long: true,
    breaks: "run once: broken",
    upstream: "known, left to the user: rickbergfalk/postgrator#100",
  },
  "node-pg-migrate": { upstream: "as documented: an advisory lock" },
  "drizzle-orm": { breaks: "run once: broken", upstream: "known, open: drizzle-team/drizzle-orm#874" },
  umzug: { long: true, breaks: "run once: broken", upstream: "known, left to the user: sequelize/umzug#59, #144" },
};

for (const [of, up] of Object.entries(migrateWith)) {
  const { executions = 500, ...rest } = expected[of];
  promise({
    of,
    promise: "a migration is run once, by however many processes that start",
    ...rest,
    race: {
      executions,
      schema: "create table t (answer integer not null)",
      concurrently: { one: up, two: up },
      expectedError: () => true,
      invariants: {
        "run once": async () => (await pool.query("select from t")).rowCount === 1,
        // Where it is run twice, one may or may not fail over it.
        ...(rest.breaks === undefined && {
          "each succeeds": ({ results }) => Object.values(results).every(({ status }) => status === "fulfilled"),
        }),
      },
    },
  });
}
