import { setTimeout as wait, setInterval as every } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { assertNoRace, yieldPoint } from "../../src/index.js";
import { play, results, returned, serverForFile, story, type Act } from "../support.js";

const server = serverForFile();
const pool = new pg.Pool();

const scene = (actors: Record<string, Act>, more = {}) => ({
  schema: "create table t (n integer not null); insert into t values (0)",
  actors,
  state: { t: "select n from t" },
  ...more,
});

describe("time that an actor waits for", () => {
  test("is a step, whichever way it waits, and does not pass outside", async () => {
    const begin = performance.now();
    const elapsed = async (sleep: () => Promise<unknown>) => {
      const before = Date.now();
      await sleep();
      return [Math.round((Date.now() - before) / 1000), Math.round((Number(new Date()) - before) / 1000)];
    };
    const { trace } = await play(
      server(),
      scene({
        a: async () => [
          await elapsed(() => wait(30_000)),
          await elapsed(() => promisify(setTimeout)(90_000)),
          await elapsed(
            () =>
              new Promise<void>((resolve) => {
                let times = 0;
                const interval = setInterval(() => {
                  if (++times < 3) return;
                  clearInterval(interval);
                  resolve();
                }, 10_000);
              }),
          ),
          await elapsed(async () => {
            let times = 0;
            for await (const _ of every(3_600_000)) if (++times === 2) break;
          }),
        ],
      }),
    );
    expect(returned(trace, "a")).toEqual([
      [30, 30],
      [90, 90],
      [30, 30],
      [7200, 7200],
    ]);
    expect(story(trace)).toEqual([
      "a: time passes: 30 s passed",
      "a: time passes: 1.5 min passed",
      ...Array.from({ length: 3 }, () => "a: time passes: 10 s passed"),
      ...Array.from({ length: 2 }, () => "a: time passes: 1 h passed"),
    ]);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  test("passes when nobody has anything else to do, the first timer first; a schedule may let it pass earlier", async () => {
    const actors = {
      a: async () => {
        await wait(60_000);
        await pool.query("update t set n = 1");
      },
      b: async () => {
        await wait(10_000);
        await pool.query("update t set n = 2");
        await pool.query("update t set n = 3");
      },
    };
    const first = await play(server(), scene(actors), { choose: () => 0 });
    expect(story(first.trace).map((line) => line.slice(0, 22))).toEqual([
      "b: time passes: 10 s p",
      "b: update t set n = 2",
      "b: update t set n = 3",
      "a: time passes: 1 min ",
      "a: update t set n = 1",
    ]);
    const early = await play(server(), scene(actors), ["b", "b", "a", "a"]);
    expect(
      story(early.trace)
        .map(([who]) => who)
        .join(""),
    ).toBe("bbaab");
  });

  test("does not run out while the actor's own statement is under way, so that a timeout is no race", async () => {
    const { trace } = await play(
      server(),
      scene({
        a: async () => {
          const timeout = new AbortController();
          const late = wait(5_000, "too late", { signal: timeout.signal });
          const answer = pool.query("select n from t").then(() => "answered");
          const first = await Promise.race([late, answer]);
          timeout.abort();
          return [first, await late.catch((error: Error) => error.name)];
        },
        b: () => yieldPoint("b"),
      }),
    );
    expect(returned(trace, "a")).toEqual(["answered", "AbortError"]);
    expect(story(trace)).toEqual(["a: select n from t", "b: b passed"]);
  });

  test("may be waited for again and again, for what another actor does; what never comes is a violation", async () => {
    const poll = async () => {
      while ((await pool.query<{ n: number }>("select n from t")).rows[0]!.n === 0) await wait(1_000);
    };
    const finished = await play(server(), scene({ a: poll, b: () => pool.query("update t set n = 1") }));
    expect(results(finished.trace, "a")).toEqual([{ returned: null }]);
    const endless = await play(server(), scene({ a: poll }));
    expect(results(endless.trace, "a")).toMatchObject([{ threw: { name: "Stuck" } }]);
  });

  test("is real where the model says so", async () => {
    const act = async () => {
      const before = performance.now();
      await wait(50);
      return performance.now() - before;
    };
    const { trace } = await play(server(), scene({ a: act }, { more: { clock: "real" } }));
    expect(trace.steps).toEqual([]);
    expect(returned(trace, "a")).toBeGreaterThan(45);
  });

  test("random numbers are the same in every execution", async () => {
    const run = () =>
      play(server(), scene({ a: async () => [Math.random(), Math.random()], b: async () => Math.random() }));
    const [one, other] = [await run(), await run()];
    expect(returned(one.trace, "a")).toEqual(returned(other.trace, "a"));
    expect(returned(one.trace, "a")).not.toContain(returned(one.trace, "b"));
  });
});

test("a lock that expires while its owner is still at work is found", async () => {
  const work = async (): Promise<boolean> => {
    const now = Date.now();
    const { rowCount } = await pool.query(
      "update job set locked_until = $1, runs = runs + 1 where not done and locked_until < $2",
      [now + 30_000, now],
    );
    if (rowCount === 0) return false;
    await wait(20_000);
    await wait(20_000);
    await pool.query("update job set done = true");
    return true;
  };
  const retry = async (): Promise<void> => {
    if (!(await work())) await wait(31_000).then(work);
  };
  await expect(
    assertNoRace({
      schema:
        "create table job (locked_until bigint not null, runs integer not null, done boolean not null); insert into job values (0, 0, false)",
      concurrently: { one: retry, two: retry },
      invariants: {
        "the job is run once": async () =>
          expect((await pool.query("select runs from job")).rows).toEqual([{ runs: 1 }]),
      },
      reports: false,
    }),
  ).rejects.toThrow(/a race breaks "the job is run once"[^]*time passes: 31 s/);
});
