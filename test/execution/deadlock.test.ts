import { describe, expect, test } from "vitest";

import { firstDifference } from "../../src/execution/compare.js";
import { again, backends, returned, serverForFile, stage, story, type Act } from "../support.js";
import { lock } from "./lock.js";

const server = serverForFile();

const schema = "create table t (id int primary key, n int not null default 0)";
const rows = { t: [{ id: 1 }, { id: 2 }, { id: 3 }] };

describe("a deadlock is an outcome:", () => {
  test("two transactions lock two rows in opposite order; the last to arrive is the victim, always", async () => {
    const staged = await stage(server(), { schema, rows, actors: { a: lock(1, 2), b: lock(2, 1) } }, 2);
    for (const [order, victim, other] of [
      [["a", "b", "a", "b", "a", "b"], "b", "a"],
      [["a", "b", "a", "b", "b", "a"], "a", "b"],
    ] as const) {
      const { trace, left } = await staged.run(order);
      expect([returned(trace, victim), returned(trace, other), left]).toEqual(["40P01", "committed", []]);
      // The victim gets its error before its wait would be known; its transaction is over then, which lets the other go.
      expect(story(trace).filter((line) => /!|waited/.test(line))).toEqual([
        expect.stringMatching(new RegExp(`^${other}: update .* \\(waited for ${victim} until step 5\\)$`)),
        expect.stringMatching(new RegExp(`^${victim}: update .* ! 40P01$`)),
      ]);
      const replays = await Promise.all(Array.from({ length: 50 }, () => again(staged, trace)));
      for (const replay of replays) expect(firstDifference(trace, replay.trace)).toBeUndefined();
    }
    // Each lane keeps its two connections, and its own.
    expect(await backends(server())).toBeLessThanOrEqual(2 * 3 + 1);
  });

  test("of three", async () => {
    const staged = await stage(server(), {
      schema,
      rows,
      actors: { a: lock(1, 2), b: lock(2, 3), c: lock(3, 1) },
    });
    const { trace } = await staged.run(["a", "b", "c", "a", "b", "c", "b", "a", "c"]);
    expect(story(trace).slice(6)).toEqual([
      "b: update t set n = n + 1 where id = 3 (waited for c until step 8)",
      "a: update t set n = n + 1 where id = 2 (waited for b until step 10)",
      "c: update t set n = n + 1 where id = 1 ! 40P01",
      "c: rollback",
      "b: commit",
      "a: commit",
    ]);
    expect(["a", "b", "c"].map((actor) => returned(trace, actor))).toEqual(["committed", "committed", "40P01"]);
    for (let i = 0; i < 20; i++) expect(firstDifference(trace, (await again(staged, trace)).trace)).toBeUndefined();
  });

  test("that closes when a waiter is let go and must wait again", async () => {
    // c holds 3 and waits for 1 behind b; b waits for 1 and then for 3.
    const staged = await stage(server(), {
      schema,
      rows,
      actors: {
        a: lock(1),
        b: async ({ pool }) => {
          const client = await pool.connect();
          try {
            await client.query("begin");
            await client.query("update t set n = n + 1 where id in (1, 3)");
            await client.query("commit");
            return "committed";
          } catch (error) {
            await client.query("rollback");
            return (error as { code?: string }).code;
          } finally {
            client.release();
          }
        },
        c: lock(3, 1),
      },
    });
    const { trace } = await staged.run(["a", "a", "b", "c", "c", "b", "c", "a"]);
    expect(["a", "b", "c"].map((actor) => returned(trace, actor))).toEqual(["committed", "committed", "40P01"]);
    for (let i = 0; i < 30; i++) expect(firstDifference(trace, (await again(staged, trace)).trace)).toBeUndefined();
  });

  test("code that retries after it gets through", async () => {
    const stubborn =
      (...ids: number[]): Act =>
      async (context) => {
        for (let attempt = 1; ; attempt++) if ((await lock(...ids)(context)) === "committed") return attempt;
      };
    const staged = await stage(server(), {
      schema,
      rows,
      actors: { a: stubborn(1, 2), b: stubborn(2, 1) },
      state: { t: "select sum(n)::int as sum from t" },
    });
    const { trace } = await staged.run(["a", "b", "a", "b", "a", "b"]);
    expect([returned(trace, "a"), returned(trace, "b"), trace.state["t"]]).toEqual([1, 2, [{ sum: 4 }]]);
  });
});
