import { describe, expect, test } from "vitest";

import { firstDifference } from "../../src/execution/compare.js";
import { yieldPoint } from "../../src/index.js";
import { random } from "../../src/strategy/random.js";
import { type Act, again, sampled, serverForFile, stage } from "../support.js";

const server = serverForFile();

const schema = `
  create table account (id int primary key, balance int not null);
  create table entry (id int generated always as identity primary key, account int references account, amount int);`;
const rows = { account: [1, 2, 3].map((id) => ({ id, balance: 100 })) };

/** Two accounts in the order given, as code does that deadlocks; with a second try. */
const transfer =
  (from: number, to: number): Act =>
  async ({ pool }) => {
    for (let attempt = 0; attempt < 2; attempt++) {
      const client = await pool.connect();
      try {
        await client.query("begin");
        await client.query("update account set balance = balance - 1 where id = $1", [from]);
        await client.query("insert into entry (account, amount) values ($1, -1), ($2, 1)", [from, to]);
        await yieldPoint("half way");
        await client.query("update account set balance = balance + 1 where id = $1", [to]);
        await client.query("commit");
        return attempt;
      } catch (error) {
        await client.query("rollback");
        if ((error as { code?: string }).code !== "40P01") throw error;
      } finally {
        client.release();
      }
    }
    return undefined;
  };

const audit: Act = async ({ pool }) => {
  const [sum, entries] = await Promise.all([
    pool.query("select sum(balance)::int as sum from account"),
    pool.query("select account, amount from entry"),
  ]);
  return [sum.rows, entries.rows.length];
};

const actors = { a: transfer(1, 2), b: transfer(2, 1), c: transfer(3, 2), auditor: [audit, audit] };

describe("one schedule gives one trace", () => {
  test("100 times, on two lanes at once, with connections in parallel, lock waits and deadlocks", async () => {
    const staged = await stage(
      server(),
      { schema, rows, actors, state: { account: "select * from account order by id" } },
      2,
    );
    const strategy = random("determinism");
    const kinds = { waits: 0, deadlocks: 0 };
    for (let execution = 0; execution < 5; execution++) {
      const { trace } = await staged.run(sampled(strategy, execution));
      const replays = await Promise.all(Array.from({ length: 20 }, () => again(staged, trace)));
      for (const replay of replays) {
        expect(firstDifference(trace, replay.trace)).toBeUndefined();
        expect(replay.trace.schedule).toEqual(trace.schedule);
        expect(replay.trace.operations).toEqual(trace.operations);
        expect(replay.trace.state).toEqual(trace.state);
      }
      kinds.waits += trace.steps.filter(({ wait }) => wait !== null).length;
      kinds.deadlocks += trace.steps.filter(({ outcome }) => outcome.kind === "error").length;
    }
    expect(kinds.waits).toBeGreaterThan(5);
    expect(kinds.deadlocks).toBeGreaterThan(0);
  });

  test("whatever ran on the lane before, also for rows without an order", async () => {
    const shuffle: Act = async ({ pool }) => {
      await pool.query("update account set balance = balance + 1 where id = 1");
      return (await pool.query("select id from account")).rows;
    };
    const staged = await stage(server(), { schema, rows, actors: { a: shuffle, b: transfer(3, 1) } });
    const { trace } = await staged.run(["a", "b", "b", "a"]);
    for (let i = 0; i < 60; i++) {
      await staged.run(sampled(random("others"), i), { pristine: false });
      const replay = await again(staged, trace);
      expect(firstDifference(trace, replay.trace)).toBeUndefined();
      expect(replay.trace.operations).toEqual(trace.operations);
    }
  });

  test("who closes a deadlock does not wait, however late Postgres looks for it", async () => {
    const locks =
      (...ids: number[]): Act =>
      async ({ pool }) => {
        const client = await pool.connect();
        try {
          await client.query("begin; set local deadlock_timeout = '150ms'");
          for (const id of ids) await client.query("update account set balance = 0 where id = $1", [id]);
          await client.query("commit");
        } finally {
          client.release(true);
        }
      };
    const staged = await stage(server(), { schema, rows, actors: { a: locks(1, 2), b: locks(2, 1) } });
    const { trace } = await staged.run(["a", "a", "b", "b", "a", "b"]);
    const closing = trace.steps.filter(({ outcome }) => outcome.kind === "error");
    expect(closing).toMatchObject([{ actor: "b", wait: null, outcome: { code: "40P01" } }]);
  });
});
