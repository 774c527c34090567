import { existsSync, statSync } from "node:fs";
import path from "node:path";

import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";

import { PostgresError } from "../../src/errors.js";
import { openServer } from "../../src/postgres/open.js";
import { storageFolders } from "../../src/postgres/storage.js";
import type { PostgresServer } from "../../src/postgres/server.js";
import { ask, directoryOf, isAlive, patient, stopping } from "./support.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await openServer("embedded");
}, patient.timeout);
afterAll(() => server.stop());

test("says what it is, and which settings are not as shipped", async () => {
  expect(server).toMatchObject({ kind: "embedded", superuser: true });
  expect(server.version).toMatch(/^\d+\.\d+$/);
  expect(server.description).toBe(`embedded Postgres ${server.version}`);
  expect(server.settings).toMatchObject({
    fsync: "off",
    synchronous_commit: "off",
    autovacuum: "off",
    TimeZone: "UTC",
  });
  expect(JSON.stringify(server.settings)).not.toMatch(/raceproof-/);
});

test("leaves isolation and lock waiting as shipped", async () => {
  const { connection } = await server.createDatabase();
  const [row] = await ask(
    connection,
    "select current_setting('default_transaction_isolation') as isolation, current_setting('deadlock_timeout') as patience",
  );
  expect(row).toEqual({ isolation: "read committed", patience: "1s" });
});

test("listens on a unix socket only, in a directory that is closed to others", async () => {
  const { connection } = await server.createDatabase();
  const [row] = await ask<{ addresses: string }>(connection, "select current_setting('listen_addresses') as addresses");
  expect(row?.addresses).toBe("");
  const run = String(connection.host);
  expect(storageFolders()).toContain(path.dirname(run));
  expect(statSync(run).mode & 0o777).toBe(0o700);
  expect(statSync(path.join(run, "data")).mode & 0o777).toBe(0o700);
});

test("makes databases for many at once, also while somebody is connected to template1", async () => {
  const [first] = [await server.createDatabase()];
  const inTemplate = new pg.Client({ ...first.connection, database: "template1" });
  await inTemplate.connect();
  try {
    const databases = await Promise.all(Array.from({ length: 8 }, () => server.createDatabase()));
    expect(new Set(databases.map(({ name }) => name)).size).toBe(8);
    for (const { name, connection } of databases) {
      expect(name).toMatch(/^raceproof_[0-9a-f]{8}_\d+$/);
      expect(await ask(connection, "select current_database() as name")).toEqual([{ name }]);
    }
  } finally {
    await inTemplate.end();
  }
});

test("drops a database although somebody is connected to it, once", async () => {
  const database = await server.createDatabase();
  const client = new pg.Client(database.connection);
  const lost = new Promise((resolve) => client.on("error", resolve));
  await client.connect();
  await database.drop();
  await database.drop();
  expect(await lost).toMatchObject({ code: "57P01" });
  await expect(ask(database.connection, "select 1")).rejects.toMatchObject({ code: "3D000" });
});

test(
  "takes another prefix for the names, and refuses one that is no name",
  async () => {
    const named = stopping(await openServer("embedded", { prefix: "bench" }));
    expect((await named.createDatabase()).name).toMatch(/^bench_[0-9a-f]{8}_1$/);
    await expect(openServer("embedded", { prefix: "x; drop" })).rejects.toThrow(/prefix of databases is "x; drop"/);
  },
  patient.timeout,
);

test(
  "two servers at once know nothing of each other, and stopping one leaves the other",
  async () => {
    const other = await openServer("embedded");
    const run = await directoryOf(other);
    expect(run).not.toBe(await directoryOf(server));
    await other.stop();
    expect(existsSync(run)).toBe(false);
    await server.createDatabase();
  },
  patient.timeout,
);

test(
  "nothing is left after stop, which may be called twice, and nothing is made any more",
  async () => {
    const other = await openServer("embedded");
    const run = await directoryOf(other);
    const postmaster = await postmasterOf(other);
    await Promise.all([other.stop(), other.stop()]);
    await other.stop();
    expect(existsSync(run)).toBe(false);
    expect(isAlive(postmaster)).toBe(false);
    await expect(other.createDatabase()).rejects.toThrow(PostgresError);
  },
  patient.timeout,
);

test(
  "says so when the server is killed, cleans up, and can still be stopped",
  async () => {
    const other = await openServer("embedded");
    const run = await directoryOf(other);
    process.kill(await postmasterOf(other), "SIGKILL");
    const error = await other.died;
    expect(error).toBeInstanceOf(PostgresError);
    expect(error.message).toMatch(/^embedded Postgres [\d.]+ ended while it was in use: /);
    expect(existsSync(run)).toBe(false);
    await other.stop();
  },
  patient.timeout,
);

async function postmasterOf(server: PostgresServer): Promise<number> {
  const { connection } = await server.createDatabase();
  const [row] = await ask<{ pid: number }>(
    connection,
    "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid",
  );
  return row!.pid;
}
