import type { Pool, PoolClient } from "pg";
import { describe, expect, test } from "vitest";

import {
  check,
  defineModel,
  fc,
  replayCounterexample,
  UsageError,
  type Condition,
  type Expectation,
} from "../src/index.js";

const names = fc.constantFrom<"alice" | "bob">("alice", "bob");

/** Whether a doctor may go off duty: not when he is the last. */
async function goOff(client: PoolClient, name: string): Promise<boolean> {
  await client.query("begin");
  const { rows } = await client.query<{ n: number }>("select count(*)::int as n from doctors where on_duty");
  if (rows[0]!.n > 1) await client.query("update doctors set on_duty = false where name = $1", [name]);
  await client.query("commit");
  return rows[0]!.n > 1;
}

/** Again after 40001 and 40P01, as often as it takes. */
async function retrying<T>(pool: Pool, body: (client: PoolClient) => Promise<T>): Promise<T> {
  for (;;) {
    const client = await pool.connect();
    try {
      return await body(client);
    } catch (error) {
      await client.query("rollback");
      if (!["40001", "40P01"].includes((error as { code: string }).code)) throw error;
    } finally {
      client.release();
    }
  }
}

type Expected = Expectation | Partial<Record<Condition, Expectation>>;

/** Write skew: what one level allows and another does not; every operation counts what it has done in a table of its own. */
const doctors = (expect: { once: Expected; retrying: Expected }) =>
  defineModel<null, (name: string) => Promise<boolean>, undefined, { "go off": "alice" | "bob" }>({
    name: "doctors",
    schema: "create table doctors (name text primary key, on_duty boolean not null)",
    implementations: {
      once: {
        expect: expect.once,
        create:
          ({ pool }) =>
          async (name) => {
            const client = await pool.connect();
            try {
              return await goOff(client, name);
            } catch (error) {
              await client.query("rollback").catch(() => undefined);
              throw error;
            } finally {
              client.release();
            }
          },
      },
      retrying: {
        expect: expect.retrying,
        create:
          ({ pool }) =>
          (name) =>
            retrying(pool, (client) => goOff(client, name)),
      },
    },
    initial: fc.constant(null),
    seed: () => ({ doctors: ["alice", "bob"].map((name) => ({ name, on_duty: true })) }),
    operations: {
      "go off": { parameters: names, run: ({ implementation }, name) => implementation(name) },
    },
    actors: { a: ["go off"], b: ["go off"] },
    operationsPerActor: 1,
    faults: { a: ["serialization failure", "lost answer", "crash"], b: ["deadlock"] },
    state: { doctors: "select * from doctors" },
    invariants: {
      "somebody is on duty": ({ doctors = [] }) =>
        doctors.some((doctor) => doctor["on_duty"] === true) ? undefined : "nobody is",
      "nobody gives up": (_state, { operations }) =>
        operations.some(({ result }) => "threw" in result && result.threw.code === "40001")
          ? "40001 reached the user"
          : undefined,
    },
  });

const skew = { violates: ["somebody is on duty"] };
const both = { violates: ["somebody is on duty", "nobody gives up"] };
const givesUp = { violates: ["nobody gives up"] };

describe("one model under several conditions", () => {
  test("violates at one level, 40001 reaches the user at another, and with a retry it holds", async () => {
    const model = doctors({
      once: { "read committed": skew, "read committed, with faults": both, serializable: givesUp },
      retrying: {
        "read committed": skew,
        "repeatable read": skew,
        serializable: "holds",
        "serializable, with faults": "holds",
      },
    });
    const { verdict, counterexamples } = await check(model, { executions: 150 });
    expect(verdict.implementations.map((row) => [row.name, row.condition, row.verdict, row.asExpected])).toEqual([
      ["once", "read committed", "violates", true],
      ["once", "read committed, with faults", "violates", true],
      ["once", "serializable", "violates", true],
      ["retrying", "read committed", "violates", true],
      ["retrying", "repeatable read", "violates", true],
      ["retrying", "serializable", "holds", true],
      ["retrying", "serializable, with faults", "holds", true],
    ]);
    // What breaks without faults is told once; with them comes what needs them.
    const [, withFaults] = verdict.implementations;
    expect(withFaults!.violations.map(({ operations, faults, switches }) => [operations, faults, switches])).toEqual([
      [2, 0, 2],
      [1, 1, 0],
    ]);
    expect(counterexamples.map(({ implementation, condition }) => `${implementation}: ${condition}`)).toEqual([
      "once: read committed",
      "once: read committed, with faults",
      "once: serializable",
      "retrying: read committed",
      "retrying: repeatable read",
    ]);
    for (const found of counterexamples) {
      const { replays } = await replayCounterexample(model, found);
      expect(replays.map(({ kind }) => kind)).toEqual(["reproduced"]);
    }
  });

  test("those that are asked for, whether anything is recorded for them or not", async () => {
    const model = doctors({ once: "violates", retrying: "violates" });
    const run = async (options: Parameters<typeof check>[1]) =>
      (await check(model, { executions: 100, implementations: ["retrying"], ...options })).verdict.implementations.map(
        ({ condition, expected, verdict, asExpected }) => [condition, expected, verdict, asExpected],
      );
    expect(await run({ isolation: ["serializable"] })).toEqual([
      ["serializable", null, "holds", true],
      ["serializable, with faults", null, "holds", true],
    ]);
    expect(await run({ faults: false })).toEqual([["read committed", "violates", "violates", true]]);
    const { faults: _, ...sound } = model;
    await expect(check(sound, { faults: true })).rejects.toThrow(UsageError);
  });

  test("an expectation for a condition that there is not is a mistake in the model", async () => {
    const model = doctors({ once: { "read uncommitted": "holds" } as never, retrying: "holds" });
    await expect(check(model)).rejects.toThrow(/`expect` of implementation "once" must be/);
  });
});
