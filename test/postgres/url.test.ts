import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PostgresError, UsageError } from "../../src/errors.js";
import { openServer } from "../../src/postgres/open.js";
import type { PostgresServer } from "../../src/postgres/server.js";
import { readUrl } from "../../src/postgres/url.js";
import { ask, directoryOf, inChild, patient, stopping, until } from "./support.js";

/** A server that for raceproof is somebody else's. */
let host: PostgresServer;
let socket: string;

beforeAll(async () => {
  host = await openServer("embedded");
  socket = await directoryOf(host);
  await sql("create role app login createdb password 'right'");
  await sql("create role weak login password 'right'");
  await sql("create role reader login password 'right' createdb");
  await sql("create database application owner app");
  const hba = path.join(socket, "data", "pg_hba.conf");
  const trust = readFileSync(hba, "utf8");
  writeFileSync(hba, "local all app,weak,reader scram-sha-256\nlocal all gone reject\n");
  appendFileSync(hba, trust);
  await sql("select pg_reload_conf()");
}, patient.timeout);
afterAll(() => host.stop());

const url = (user = "app", password = "right", database = "application"): string =>
  `postgres://${user}:${password}@/${database}?host=${socket}`;

const sql = (text: string, database = "postgres") =>
  ask({ host: socket, user: "postgres", database, ssl: false }, text);

const databases = async (): Promise<string[]> =>
  (
    await sql("select datname as name from pg_database where datname ~ '^race' or datname = 'application' order by 1")
  ).map(({ name }) => name);

describe("a server behind a url", () => {
  test("is described without credentials; a role that is no superuser is enough", async () => {
    const server = stopping(await openServer(url()));
    expect(server).toMatchObject({ kind: "url", superuser: false, version: host.version });
    expect(server.description).toMatch(/^Postgres [\d.]+ at .*\.s\.PGSQL\.5432, database application$/);
    expect(server.description).not.toMatch(/right|app:/);
    expect(server.settings).toMatchObject({ fsync: "off" });
  });

  test("gets databases of our own, marked as such, and loses them when we stop", async () => {
    const server = await openServer(url());
    const [first, second] = await Promise.all([server.createDatabase(), server.createDatabase()]);
    expect(await ask(first.connection, "select current_database() as name, current_user as role")).toEqual([
      { name: first.name, role: "app" },
    ]);
    const [row] = await sql(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = '${first.name}'`,
    );
    expect(row!["comment"]).toMatch(/^made by raceproof in run [0-9a-f]{8}/);
    await first.drop();
    expect(await databases()).toContain(second.name);
    await server.stop();
    expect(await databases()).not.toContain(second.name);
    expect(await databases()).toContain("application");
    await sql("select 1");
  });

  test("says so when it is gone, and can be stopped; what it left, the next one drops", async () => {
    const server = stopping(await openServer(url()));
    const { name } = await server.createDatabase();
    await sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
    expect((await server.died).message).toMatch(/^Postgres .* ended while it was in use: terminating connection/);
    await expect(server.createDatabase()).rejects.toThrow(PostgresError);
    await server.stop();
    expect(await databases()).toContain(name);
    stopping(await openServer(url()));
    expect(await databases()).not.toContain(name);
  });
});

describe("databases that are called like ours", () => {
  test("are left alone without our marker, whatever else they have", async () => {
    await sql("create database raceproof_0000aaaa_1 owner app");
    await sql("create database raceproof_0000aaaa_2 owner app");
    await sql("comment on database raceproof_0000aaaa_2 is 'made by raceproof in run 0000bbbb; raceproof drops it'");
    await sql("create database raceproof_production owner app");
    await sql("comment on database raceproof_production is 'made by raceproof in run 0000aaaa; raceproof drops it'");
    await (await openServer(url())).stop();
    expect(await databases()).toEqual(
      expect.arrayContaining(["raceproof_0000aaaa_1", "raceproof_0000aaaa_2", "raceproof_production"]),
    );
  });

  test(
    "are dropped when their run was killed",
    async () => {
      const child = inChild(
        `const server = await openServer(process.env.SPEC); say((await server.createDatabase()).name); setInterval(() => {}, 1000);`,
        { env: { ...process.env, SPEC: url() } },
      );
      const name = await child.said;
      child.process.kill("SIGKILL");
      await child.ended;
      await noLocksOf("app");
      expect(await databases()).toContain(name);
      stopping(await openServer(url()));
      expect(await databases()).not.toContain(name);
    },
    patient.timeout,
  );

  test("are left alone while their run is alive, even if it entered by another database", async () => {
    await sql("create database race_entry owner app");
    const other = stopping(await openServer(url("app", "right", "race_entry")));
    const { name } = await other.createDatabase();
    stopping(await openServer(url()));
    expect(await databases()).toContain(name);
  });

  test("are left alone while somebody is connected, and when they are another role's", async () => {
    await leftover("raceproof_0000cccc_1", "0000cccc", "app");
    await leftover("raceproof_0000cccc_2", "0000cccc", "postgres");
    const ended = ask(
      { host: socket, user: "postgres", database: "raceproof_0000cccc_1", ssl: false },
      "select pg_sleep(30)",
    ).catch(() => {});
    await until(
      async () => (await sql("select from pg_stat_activity where datname = 'raceproof_0000cccc_1'")).length > 0,
    );
    await (await openServer(url())).stop();
    expect(await databases()).toEqual(expect.arrayContaining(["raceproof_0000cccc_1", "raceproof_0000cccc_2"]));
    await sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'raceproof_0000cccc_1'");
    await ended;
    await (await openServer(url())).stop();
    expect(await databases()).not.toContain("raceproof_0000cccc_1");
    await (await openServer(url("postgres", "any", "postgres"))).stop();
    expect(await databases()).not.toContain("raceproof_0000cccc_2");
  });
});

describe("one clear error, without the password", () => {
  test.each([
    [
      "a wrong password",
      () => url("app", "s3cret"),
      /password authentication failed for user "app"\. Check the user and the password/,
    ],
    ["no password", () => `postgres://app@/application?host=${socket}`, /asks for a password, and the url has none/],
    ["a user that is not let in", () => url("gone", "s3cret"), /pg_hba\.conf/],
    [
      "a database that is not there",
      () => url("app", "right", "nowhere"),
      /database "nowhere" does not exist\. Name a database/,
    ],
    [
      "nobody listening",
      () => "postgres://app:s3cret@127.0.0.1:1/x",
      /^Cannot connect to 127\.0\.0\.1:1\/x: .*ECONNREFUSED.*Is the server running/,
    ],
    [
      "no socket",
      () => "postgres://app:s3cret@/x?host=/nowhere",
      /Cannot connect to \/nowhere\/\.s\.PGSQL\.5432, database x: .*no such socket/,
    ],
    [
      "a role that may not create databases",
      () => url("weak"),
      /role "weak" may not create databases .* alter role "weak" createdb/,
    ],
  ])("%s", async (_name, text, message) => {
    const error = await failing(text());
    expect(error).toBeInstanceOf(PostgresError);
    expect(error.message).toMatch(message);
  });

  test("a url that is none", async () => {
    const error = await failing("postgres://app:s3cret@[x/y");
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^The url of Postgres cannot be read/);
  });
});

test.each([
  ["postgres://u:p@h:1/d?sslmode=disable", "h:1/d", "postgres://u:p@h:1/n?sslmode=disable"],
  ["postgres://u@h", "h:5432/u", "postgres://u@h/n"],
  ["postgresql://u:p@/d?host=/s", "/s/.s.PGSQL.5432, database d", "postgresql://u:p@/n?host=/s"],
])("%s is read as pg reads it, and only its database is exchanged", (text, where, other) => {
  const target = readUrl(text);
  expect(target.where).toBe(where);
  expect(target.connection("n")).toEqual({ connectionString: other, database: "n" });
});

async function failing(text: string): Promise<Error> {
  const error: unknown = await openServer(text).then(
    (server) => server.stop(),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toMatch(/s3cret/);
  expect((error as Error).message).not.toMatch(/\n/);
  return error as Error;
}

async function leftover(name: string, runId: string, owner: string): Promise<void> {
  await sql(`create database ${name} owner ${owner}`);
  await sql(`comment on database ${name} is 'made by raceproof in run ${runId}; raceproof drops it'`);
}

async function noLocksOf(role: string): Promise<void> {
  await until(async () => (await sql(`select from pg_stat_activity where usename = '${role}'`)).length === 0);
}
