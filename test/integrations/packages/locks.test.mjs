import advisoryLock from "advisory-lock";
import pg from "pg";
import PGMutexLock from "pg-mutex-lock";
import { nowhere, nowhereUrl, promise } from "./promise.mjs";

const pool = new pg.Pool(nowhere);
const race = {
  schema: "create table counter (n integer not null); insert into counter values (0)",
  invariants: {
    "nothing is lost": async () => (await pool.query("select n from counter")).rows[0].n === 2,
  },
};

/** Loses an update where somebody else does the same meanwhile. */
async function increment() {
  const { rows } = await pool.query("select n from counter");
  await pool.query("update counter set n = $1", [rows[0].n + 1]);
}

const createMutex = (advisoryLock.default ?? advisoryLock)(nowhereUrl);
const locked = () => createMutex("counter").withLock(increment);

promise({
  of: "advisory-lock",
  promise: "what runs under a lock runs alone, in however many processes",
  upstream: "nothing to report",
  race: { ...race, concurrently: { one: locked, two: locked } },
});

async function lockedByMutex() {
  const { rows } = await pool.query("select current_database() as database");
  const mutex = new (PGMutexLock.default ?? PGMutexLock)({ database: { ...nowhere, ...rows[0] } });
  await mutex.acquireLock("counter");
  try {
    await increment();
  } finally {
    await mutex.releaseLock("counter");
    await mutex.end();
  }
}

promise({
  of: "pg-mutex-lock",
  promise: "what runs under a lock runs alone, in however many processes",
  upstream: "nothing to report",
  // It polls every 100 ms for half a minute: its orders have no end.
  race: { ...race, executions: 12, concurrently: { one: lockedByMutex, two: lockedByMutex } },
});
