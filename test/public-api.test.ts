import pg from "pg";
import { expect, test } from "vitest";

import { check, defineModel, fc, replayCounterexample } from "../src/index.js";

// A stranger's code: it knows `pg`, and nothing of raceproof.

const pool = new pg.Pool({ connectionString: "postgres://app@db.invalid/bank", max: 5 });

async function transfer(lock: "" | "for update", from: string, to: string, amount: number): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ id: string; balance: number }>(
      `select id, balance from accounts where id = any ($1) order by id ${lock}`,
      [[from, to]],
    );
    const balance = (id: string) => rows.find((row) => row.id === id)!.balance;
    if (balance(from) < amount) {
      await client.query("rollback");
      return false;
    }
    await client.query("update accounts set balance = $2 where id = $1", [from, balance(from) - amount]);
    await client.query("update accounts set balance = $2 where id = $1", [to, balance(to) + amount]);
    await client.query("commit");
    return true;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

type Transfer = (from: string, to: string, amount: number) => Promise<boolean>;

type Balances = Record<string, number>;

interface Move {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

const bank = defineModel<Balances, Transfer, Balances, { transfer: Move }>({
  name: "bank",
  schema: "create table accounts (id text primary key, balance integer not null check (balance >= 0))",
  implementations: {
    "read then write": {
      expect: { violates: ["every transfer counts"] },
      create:
        () =>
        (...move) =>
          transfer("", ...move),
    },
    "select for update": {
      expect: "holds",
      create:
        () =>
        (...move) =>
          transfer("for update", ...move),
    },
  },
  world: (initial) => ({ ...initial }),
  initial: fc.record({ a: fc.integer({ min: 0, max: 10 }), b: fc.integer({ min: 0, max: 10 }) }),
  seed: ({ a, b }) => ({
    accounts: [
      { id: "a", balance: a },
      { id: "b", balance: b },
    ],
  }),
  operations: {
    transfer: {
      parameters: fc
        .record({ amount: fc.integer({ min: 1, max: 5 }), there: fc.boolean() })
        .map(({ amount, there }) => (there ? { from: "a", to: "b", amount } : { from: "b", to: "a", amount })),
      describe: ({ from, to, amount }) => `transfer ${amount} from ${from} to ${to}`,
      run: async ({ implementation, world: ledger }, { from, to, amount }) => {
        if (!(await implementation(from, to, amount))) return "not enough";
        ledger[from]! -= amount;
        ledger[to]! += amount;
        return "done";
      },
    },
  },
  actors: { alice: ["transfer"], bob: ["transfer"] },
  state: { accounts: "select * from accounts order by id" },
  invariants: {
    "every transfer counts": ({ accounts = [] }, { world: ledger }) => {
      const wrong = accounts.filter(({ id, balance }) => balance !== ledger[id]);
      if (wrong.length === 0) return undefined;
      return {
        way: "lost update",
        message: wrong.map(({ id, balance }) => `${id} has ${balance}, not ${ledger[id]}`).join(", "),
      };
    },
  },
});

test("a bank's lost update is found, shrunk and replayed; its variant with locks holds", async () => {
  const phases = new Set<string>();
  const { verdict, counterexamples } = await check(bank, {
    executions: 200,
    onProgress: ({ phase }) => phases.add(phase),
  });
  expect(verdict.asExpected).toBe(true);
  expect(verdict.implementations.map((each) => each.verdict)).toEqual(["violates", "holds"]);
  expect(verdict.implementations[1]!.lockWaits).toBeGreaterThan(0);
  expect(phases).toEqual(new Set(["explore", "shrink", "done"]));
  expect(counterexamples).toHaveLength(1);
  const [found] = counterexamples;
  expect(found!.shrink.to).toMatchObject({ actors: 2, operations: 2, switches: 2 });
  expect(found!.trace.operations.map(({ label }) => label)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^transfer \d from/)]),
  );
  const { replays } = await replayCounterexample(bank, found!, { times: 3 });
  expect(replays.map(({ kind }) => kind)).toEqual(["reproduced", "reproduced", "reproduced"]);
});

test("outside of a check the stranger's pool is his own again", async () => {
  await expect(pool.query("select 1")).rejects.toThrow(/ENOTFOUND|EAI_AGAIN|db\.invalid/);
});

test("aborting ends a check with what was found so far", async () => {
  const controller = new AbortController();
  const { verdict } = await check(bank, {
    signal: controller.signal,
    onProgress: (event) => {
      if (event.phase === "explore" && event.signatures > 0) controller.abort();
    },
  });
  expect(verdict).toMatchObject({ interrupted: true, asExpected: false });
  expect(verdict.implementations).toHaveLength(1);
  expect(verdict.implementations[0]).toMatchObject({ verdict: "violates" });
});
