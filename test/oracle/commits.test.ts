import { expect, test } from "vitest";

import { judge } from "../../src/oracle/judge.js";
import { programOf, serverForFile, stage, type Act } from "../support.js";

const server = serverForFile();
const schema = `create table account (id int primary key, n int not null);
  create function spend() returns void language sql as 'update account set n = 0 where id = 1'`;
const rows = {
  account: [
    { id: 1, n: 5 },
    { id: 2, n: 5 },
  ],
};
const state = { total: "select sum(n) as n from account" };

const total = (whole: number) => ({
  when: "every commit" as const,
  holds: ({ total: [row] = [] }: { total?: readonly Record<string, unknown>[] }) =>
    row?.["n"] === whole ? undefined : { way: "something is missing", message: `the total is ${String(row?.["n"])}` },
});

async function verdictOn(transfer: Act, when: "quiescence" | "every commit" = "every commit") {
  const scene = {
    schema,
    rows,
    state,
    actors: { a: transfer },
    more: { invariants: { total: { ...total(10), when } } },
  };
  const staged = await stage(server(), scene);
  const executed = await staged.run();
  return judge(staged.model, programOf(staged.model), executed);
}

const apart: Act = async ({ pool }) => {
  await pool.query("update account set n = n - 1 where id = 1");
  await pool.query("select n from account");
  await pool.query("update account set n = n + 1 where id = 2");
};

const together: Act = async ({ pool }) => {
  const client = await pool.connect();
  await client.query("begin");
  await client.query("update account set n = n - 1 where id = 1");
  await client.query("update account set n = n + 1 where id = 2");
  await client.query("commit");
  client.release();
};

test("what a reader sees between two commits is broken for a moment, and the step after which is told", async () => {
  expect(await verdictOn(apart)).toEqual([
    { invariant: "total", way: "something is missing, for a moment", message: "the total is 9", after: 0 },
  ]);
});

test("what stays is told as it is, and inside a transaction nobody sees anything", async () => {
  const lost: Act = ({ pool }) => pool.query("update account set n = n - 1 where id = 1");
  expect(await verdictOn(lost)).toEqual([
    { invariant: "total", way: "something is missing", message: "the total is 9" },
  ]);
  expect(await verdictOn(together)).toEqual([]);
});

test("an invariant at quiescence does not look at what was before", async () => {
  expect(await verdictOn(apart, "quiescence")).toEqual([]);
});

test("a write by a function that a SELECT calls, or in a CTE, is seen, too", async () => {
  const hidden =
    (text: string): Act =>
    async ({ pool }) => {
      await pool.query(text);
      await pool.query("update account set n = 5");
    };
  for (const text of [
    "with gone as (update account set n = 0 where id = 1 returning 1) select * from gone",
    "select spend()",
  ])
    expect(await verdictOn(hidden(text))).toMatchObject([{ way: "something is missing, for a moment", after: 0 }]);
});
