import PgBossModule, { PgBoss as NamedPgBoss } from "pg-boss";
import { assertNoRace, RaceError } from "raceproof";
import { expect, test } from "vitest";
import { nowhere } from "./lost-update.mjs";

const PgBoss = NamedPgBoss ?? PgBossModule;
const options = { ...nowhere, supervise: false, schedule: false, migrate: true };

/** A queue that has begun, on whichever lane asks. */
const boss = new PgBoss(options);
boss.on("error", () => undefined);

const race = {
  // pg-boss's own migrations.
  schema: async ({ url }) => {
    const migrating = new PgBoss({ ...options, connectionString: url, host: undefined });
    await migrating.start();
    await migrating.createQueue("mail");
    await migrating.stop({ graceful: false });
  },
  setup: async () => {
    await boss.start();
    const jobs = await Promise.all([boss.send("mail", { to: "a" }), boss.send("mail", { to: "b" })]);
    return { jobs, sent: [] };
  },
  state: { job: "select data ->> 'to' as receiver, state from pgboss.job order by 1" },
  executions: 60,
  lanes: 2,
  reports: false,
};

async function work(sent) {
  const [job] = await boss.fetch("mail");
  if (job === undefined) return;
  sent.push(job.id);
  await boss.complete("mail", job.id);
}

test("two workers never get the same job", async () => {
  const { claim } = await assertNoRace({
    ...race,
    concurrently: { one: ({ world }) => work(world.sent), two: ({ world }) => work(world.sent) },
    invariants: {
      "each job is worked on once": ({ world }) => new Set(world.sent).size === 2 && world.sent.length === 2,
    },
  });
  expect(claim).toMatch(/orders/);
});

test("a look at the queue before one sends does not keep others from sending the same", async () => {
  const sendOnce = async () => {
    const { db } = { db: boss.getDb() };
    const { rows } = await db.executeSql("select 1 from pgboss.job where data ->> 'to' = 'c'", []);
    if (rows.length === 0) await boss.send("mail", { to: "c" });
  };
  const error = await assertNoRace({
    ...race,
    concurrently: { one: sendOnce, two: sendOnce },
    invariants: {
      "it is sent once": async () => {
        const { rows } = await boss.getDb().executeSql("select 1 from pgboss.job where data ->> 'to' = 'c'", []);
        expect(rows).toHaveLength(1);
      },
    },
  }).catch((reason) => reason);
  if (!(error instanceof RaceError)) throw error;
  expect(error.counterexample.signature).toBe("it is sent once: broken");
});
