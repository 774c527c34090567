import { assertNoRace, RaceError } from "raceproof";
import { expect, test } from "vitest";

/** Where the pools of the libraries believe that they connect to. */
export const nowhere = { host: "nowhere.invalid", user: "app", password: "secret", database: "app" };

/**
 * Two tests of a library that increments a counter: a race is found where it reads and then writes, and none where it
 * locks the row first.
 *
 * @param increment Increments by one, in a transaction; `lock` says whether it locks the row that it reads.
 * @param more What else the race needs.
 */
export function findsTheLostUpdate(increment, more = {}) {
  const race = (lock) => ({
    schema: "create table counter (id integer primary key, n integer not null); insert into counter values (1, 0)",
    concurrently: { alice: () => increment(lock), bob: () => increment(lock) },
    state: { counter: "select n from counter" },
    invariants: {
      "nothing is lost": async ({ pool }) =>
        expect((await pool.query("select n from counter")).rows).toEqual([{ n: 2 }]),
    },
    executions: 200,
    reports: false,
    ...more,
  });
  test("a lost update is found, with two switches", async () => {
    const error = await assertNoRace(race(false)).catch((reason) => reason);
    if (!(error instanceof RaceError)) throw error;
    expect(error.counterexample.signature).toBe("nothing is lost: broken");
    expect(error.counterexample.shrink.to).toMatchObject({ operations: 2, switches: 2 });
    expect(error.counterexample.confirmed).toEqual({ reproduced: 10, times: 10 });
  });
  test("with the row locked nothing is found, in all orders", async () => {
    const { claim } = await assertNoRace(race(true));
    expect(claim).toMatch(/^all orders \(about [\d,]+\) of 1 program/);
  });
}
