import { describe, expect, test } from "vitest";

import type { Executed } from "../../src/execution/execution.js";
import { follow } from "../../src/strategy/follow.js";
import type { Schedule } from "../../src/strategy/schedule.js";
import { serverForFile, stage, type Act, type Stage } from "../support.js";

const server = serverForFile();

/** Every execution that there is: after each one, its schedule with another choice at each step behind its last switch. */
async function everyOrder({ run }: Stage): Promise<Executed[]> {
  const all: Executed[] = [];
  let schedules: Schedule[] = [[]];
  while (schedules.length > 0) {
    const level = await Promise.all(schedules.map((schedule) => run(follow(schedule), { pristine: false })));
    all.push(...level);
    schedules = level.flatMap(({ trace, pending }) => {
      const from = (trace.schedule.at(-1)?.step ?? -1) + 1;
      return trace.steps
        .slice(from)
        .flatMap(({ index, session }) =>
          pending[index]!.filter((other) => other.session !== session).map((other) => [
            ...trace.schedule,
            { step: index, to: other.session },
          ]),
        );
    });
  }
  return all;
}

const orderOf = ({ trace }: Executed) => trace.steps.map(({ session }) => session).join("");

const schema = "create table counter (id int primary key, n int not null)";
const rows = { counter: [{ id: 1, n: 0 }] };
const state = { n: "select n from counter" };
const final = ({ trace }: Executed) => trace.state["n"]![0]!["n"];

describe("every order of two read-modify-write transactions", () => {
  const increment: Act = async ({ pool }) => {
    const client = await pool.connect();
    await client.query("begin");
    const { rows } = await client.query("select n from counter where id = 1");
    await client.query("update counter set n = $1 where id = 1", [Number(rows[0].n) + 1]);
    await client.query("commit");
    client.release();
  };

  test("BEGIN, SELECT, UPDATE, COMMIT: of 70, locks make 20 impossible, 40 lose an update, 10 are right", async () => {
    const all = await everyOrder(
      await stage(server(), { schema, rows, state, actors: { a: increment, b: increment } }, 4),
    );
    // Of the C(8,4) = 70 orders of 4 + 4 steps, those are impossible in which a session commits while its own UPDATE
    // still waits for the other's COMMIT: UPDATE a, UPDATE b, COMMIT b, COMMIT a. Before UPDATE b stand the other five
    // steps in one of C(5,2) = 10 orders, and the same with a and b exchanged: 20. They are not cut out by hand: once
    // UPDATE b waits, COMMIT b is never among the pending steps.
    expect(all).toHaveLength(50);
    expect(new Set(all.map(orderOf)).size).toBe(50);
    // Right are those in which one SELECT comes after the other's COMMIT: of the later session only BEGIN may come
    // before, in one of 5 places; and the same with a and b exchanged: 10.
    const right = all.filter((executed) => final(executed) === 2);
    expect([right.length, all.filter((executed) => final(executed) === 1).length]).toEqual([10, 40]);
    // An UPDATE waits wherever it comes between the other's UPDATE and COMMIT: in the 20 orders UPDATE a, UPDATE b,
    // COMMIT a, COMMIT b and those with a and b exchanged.
    const waiting = all.filter(({ trace }) => trace.steps.some(({ wait }) => wait !== null));
    expect(waiting).toHaveLength(20);
    expect(waiting.every((executed) => final(executed) === 1)).toBe(true);
    for (const { trace } of waiting) {
      const [step] = trace.steps.filter(({ wait }) => wait !== null);
      const until = trace.steps[step!.wait!.until!]!;
      expect([until.text, until.session]).toEqual(["commit", step!.wait!.holders[0]]);
    }
  });

  test("FOR UPDATE makes them all right", async () => {
    const locking: Act = async ({ pool }) => {
      const client = await pool.connect();
      await client.query("begin");
      const { rows } = await client.query("select n from counter where id = 1 for update");
      await client.query("update counter set n = $1 where id = 1", [Number(rows[0].n) + 1]);
      await client.query("commit");
      client.release();
    };
    const all = await everyOrder(await stage(server(), { schema, rows, state, actors: { a: locking, b: locking } }, 4));
    expect(new Set(all.map(final))).toEqual(new Set([2]));
    const distinct = new Set(all.map(orderOf));
    expect(distinct.size).toBe(all.length);
    expect(all.length).toBe(2 * countLocking());
  });

  /** The orders in which a gets the row first, counted without a database: b's SELECT waits from there to a's COMMIT. */
  function countLocking(): number {
    const places = (a: number, b: number): number => {
      if (a === 4 && b === 4) return 1;
      const waits = b === 2 && a < 4;
      // b's SELECT (its second step) may come only once a has its own SELECT behind it: else b would be the first.
      const b2 = b < 4 && !waits && !(b === 1 && a < 2);
      return (a < 4 ? places(a + 1, b) : 0) + (b2 ? places(a, b + 1) : 0);
    };
    return places(0, 0);
  }
});

test("every order of single statements is found once", async () => {
  const one: Act = ({ pool }) => pool.query("select 1");
  const staged = await stage(server(), { actors: { a: [one, one], b: one, c: one } }, 4);
  const all = await everyOrder(staged);
  expect(all).toHaveLength(12);
  expect(new Set(all.map(orderOf)).size).toBe(12);
});
