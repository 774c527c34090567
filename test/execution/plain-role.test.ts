import { describe, expect, onTestFinished, test } from "vitest";

import { openServer } from "../../src/postgres/open.js";
import type { PostgresServer } from "../../src/postgres/server.js";
import { firstDifference } from "../../src/execution/compare.js";
import { ask } from "../postgres/support.js";
import { again, returned, serverForFile, stage, story } from "../support.js";
import { lock } from "./lock.js";

const host = serverForFile();

/** The same server by a url, for a role that is no superuser. */
async function plain(): Promise<PostgresServer> {
  const database = await host().createDatabase();
  await ask(
    database.connection,
    "do $$ begin create role plain login createdb; exception when duplicate_object then end $$",
  );
  const server = await openServer(`postgres://plain@/postgres?host=${String(database.connection.host)}`);
  onTestFinished(() => server.stop());
  expect(server).toMatchObject({ kind: "url", superuser: false });
  return server;
}

const schema = `
  create table t (id int primary key, n int not null default 0, other int);
  create table u (id int primary key, t int references t);
  alter table t add constraint t_u foreign key (other) references u;
  create table log (id int generated always as identity primary key, what text);
  create function note() returns trigger language plpgsql as $$ begin insert into log (what) values (tg_op); return null; end $$;
  create trigger note after insert or update on t for each row execute function note();`;
const rows = {
  t: [
    { id: 1, other: 2 },
    { id: 2, other: 1 },
  ],
  u: [
    { id: 1, t: 2 },
    { id: 2, t: 1 },
  ],
};

describe("for a role that is no superuser", () => {
  test("lock waits are polled for, with the same record", async () => {
    const server = await plain();
    const staged = await stage(server, { schema, rows, actors: { a: lock(1), b: lock(1) } });
    const { trace } = await staged.run(["a", "a", "b", "b", "a"], { record: true });
    expect(story(trace)).toEqual([
      "a: begin",
      "a: update t set n = n + 1 where id = 1",
      "b: begin",
      "b: update t set n = n + 1 where id = 1 (waited for a until step 4)",
      "a: commit",
      "b: commit",
    ]);
    expect(trace.steps[3]!.wait).toMatchObject({
      lock: expect.stringMatching(/^ShareLock on transaction/),
      on: "row (id=1) of t",
    });
    for (let i = 0; i < 5; i++) expect(firstDifference(trace, (await again(staged, trace)).trace)).toBeUndefined();
  });

  test("a deadlock has a victim, after the server's own deadlock_timeout", async () => {
    const server = await plain();
    const staged = await stage(server, { schema, rows, actors: { a: lock(1, 2), b: lock(2, 1) } });
    const { trace } = await staged.run(["a", "b", "a", "b", "a", "b"]);
    expect(new Set([returned(trace, "a"), returned(trace, "b")])).toEqual(new Set(["40P01", "committed"]));
  });

  test("tables are reset all the same: in cycles of foreign keys, without firing triggers", async () => {
    const server = await plain();
    const staged = await stage(server, {
      schema,
      rows,
      actors: { a: lock(1) },
      state: { t: "select id, n, other from t order by id", log: "select id, what from log" },
    });
    for (let i = 0; i < 3; i++) {
      const { trace } = await staged.run();
      expect(trace.state).toEqual({
        t: [
          { id: 1, n: 1, other: 2 },
          { id: 2, n: 0, other: 1 },
        ],
        log: [{ id: 1, what: "UPDATE" }],
      });
    }
  });
});
