import { runMigrations, runOnce } from "graphile-worker";
import pg from "pg";
import { assertNoRace, RaceError } from "raceproof";
import { expect, test } from "vitest";
import { nowhere } from "./lost-update.mjs";

const pool = new pg.Pool(nowhere);
pool.on("error", () => undefined);
const logger = { error() {}, warn() {}, info() {}, debug() {}, scope: () => logger };

const race = {
  schema: async ({ url }) => {
    const own = new pg.Pool({ connectionString: url });
    await runMigrations({ pgPool: own, logger });
    await own.query("create table sent (job text not null)");
    await own.end();
  },
  setup: async () => {
    await pool.query("select graphile_worker.add_job('mail', '{}'::json)");
  },
  state: { sent: "select job from sent" },
  executions: 60,
  lanes: 2,
  reports: false,
};

const sentOnce = async () => expect((await pool.query("select * from sent")).rows).toHaveLength(1);

test("adding a job with a key replaces the one that is there, whoever is faster", async () => {
  const add = () => pool.query("select graphile_worker.add_job('mail', '{}'::json, job_key => 'k')");
  const { claim } = await assertNoRace({
    ...race,
    concurrently: { one: add, two: add },
    invariants: {
      "one job by this key": async () => {
        const { rows } = await pool.query("select key from graphile_worker.jobs where key = 'k'");
        expect(rows).toHaveLength(1);
      },
    },
  });
  expect(claim).toMatch(/orders/);
});

const work = (mail) => () =>
  runOnce({ pgPool: pool, taskList: { mail }, logger, noHandleSignals: true, concurrency: 1 });

test("two workers run a job once", async () => {
  const send = () => pool.query("insert into sent values ('mail')");
  const { claim } = await assertNoRace({
    ...race,
    concurrently: { one: work(send), two: work(send) },
    invariants: { "sent once": sentOnce },
  });
  expect(claim).toMatch(/schedules|orders/);
});

test("two jobs for one mail, each of which looks before it sends, send it twice", async () => {
  const send = async () => {
    const { rows } = await pool.query("select from sent");
    if (rows.length === 0) await pool.query("insert into sent values ('mail')");
  };
  const error = await assertNoRace({
    ...race,
    setup: () => pool.query("select graphile_worker.add_job('mail', '{}'::json) from generate_series(1, 2)"),
    concurrently: { one: work(send), two: work(send) },
    invariants: { "sent once": sentOnce },
  }).catch((reason) => reason);
  if (!(error instanceof RaceError)) throw error;
  expect(error.counterexample.signature).toBe("sent once: broken");
});
