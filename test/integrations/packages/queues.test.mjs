import { runMigrations } from "graphile-worker";
import pg from "pg";
import PgBossModule, { PgBoss as NamedPgBoss } from "pg-boss";
import { nowhere, promise } from "./promise.mjs";

const PgBoss = NamedPgBoss ?? PgBossModule;
const options = { ...nowhere, supervise: false, schedule: false, migrate: true };
const boss = new PgBoss(options);
boss.on("error", () => undefined);
const pool = new pg.Pool(nowhere);

const queue = (name, settings) => ({
  schema: async ({ url }) => {
    const migrating = new PgBoss({ ...options, connectionString: url, host: undefined });
    await migrating.start();
    await migrating.createQueue(name, settings);
    await migrating.stop({ graceful: false });
  },
  setup: () => boss.start(),
  state: { job: "select state, count(*)::int from pgboss.job group by 1 order by 1" },
});
const jobs = async (state) => (await pool.query("select from pgboss.job where state = $1", [state])).rowCount;

promise({
  of: "pg-boss",
  promise: "of two that fetch, each gets a job of its own",
  upstream: "nothing to report",
  race: {
    ...queue("mail"),
    setup: async () => {
      await boss.start();
      await boss.insert("mail", [{ data: { to: "a" } }, { data: { to: "b" } }]);
    },
    concurrently: { one: () => boss.fetch("mail"), two: () => boss.fetch("mail") },
    invariants: {
      "each has its own": ({ results: { one, two } }) =>
        one.value.length === 1 && two.value.length === 1 && one.value[0].id !== two.value[0].id,
    },
  },
});

promise({
  of: "pg-boss",
  promise: "a short queue holds one job at a time, however many send",
  upstream: "nothing to report",
  race: {
    ...queue("mail", { policy: "short" }),
    concurrently: {
      one: () => boss.send("mail", {}),
      two: () => boss.send("mail", {}),
      worker: () => boss.fetch("mail"),
    },
    invariants: { "one is queued at most": async () => (await jobs("created")) <= 1 },
  },
});

promise({
  of: "pg-boss",
  promise: "of a singleton queue one job is active at a time, however many fetch",
  upstream: "nothing to report",
  race: {
    ...queue("mail", { policy: "singleton" }),
    setup: async () => {
      await boss.start();
      await boss.insert("mail", [{ data: { to: "a" } }, { data: { to: "b" } }]);
    },
    concurrently: { one: () => boss.fetch("mail"), two: () => boss.fetch("mail") },
    invariants: {
      "one is active": async () => (await jobs("active")) === 1,
      "each succeeds": ({ results }) => Object.values(results).every(({ status }) => status === "fulfilled"),
    },
  },
});

const logger = { error() {}, warn() {}, info() {}, debug() {}, scope: () => logger };
const worker = {
  of: "graphile-worker",
  schema: async ({ url }) => {
    const own = new pg.Pool({ connectionString: url });
    await runMigrations({ pgPool: own, logger });
    await own.end();
  },
};
const addJob = (key) => () => pool.query("select graphile_worker.add_job('mail', '{}'::json, job_key => $1)", [key]);

promise({
  of: "graphile-worker",
  promise: "of jobs with one key there is one, whoever adds it and whoever takes it away",
  upstream: "nothing to report",
  race: {
    schema: worker.schema,
    state: { jobs: "select key, revision from graphile_worker.jobs order by id" },
    concurrently: {
      one: addJob("k"),
      two: addJob("k"),
      other: () => pool.query("select graphile_worker.remove_job('k')"),
    },
    invariants: {
      "one at most": async () => (await pool.query("select from graphile_worker.jobs where key = 'k'")).rowCount <= 1,
      "each succeeds": ({ results }) => Object.values(results).every(({ status }) => status === "fulfilled"),
    },
  },
});
