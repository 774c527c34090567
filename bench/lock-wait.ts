import fc from "fast-check";
import pg from "pg";
import { execute, type Assignment } from "../src/execution/execution.js";
import { Lanes } from "../src/execution/lanes.js";
import { defineModel } from "../src/execution/model.js";
import { assignedPool } from "../src/execution/pool.js";
import type { PostgresServer } from "../src/postgres/server.js";
import { followOrder } from "../src/strategy/follow.js";
import { spreadOf, type Bench } from "./bench.js";

const update = "UPDATE counter SET value = value + 1";
const schema = "CREATE TABLE counter (value int NOT NULL); INSERT INTO counter VALUES (0)";

/** One holds a row, the other wants it. */
const model = defineModel({
  name: "lock wait",
  schema,
  implementations: { only: { create: () => undefined } },
  initial: fc.constant(null),
  seed: () => ({}),
  operations: {
    hold: {
      parameters: fc.constant(null),
      run: async ({ pool }) => {
        const client = await pool.connect();
        await client.query("BEGIN");
        await client.query(update);
        await client.query("COMMIT");
        client.release();
      },
    },
    want: { parameters: fc.constant(null), run: ({ pool }) => pool.query(update).then(() => null) },
  },
  actors: { holder: ["hold"], waiter: ["want"] },
  state: { counter: "SELECT value FROM counter" },
  invariants: { "both count": ({ counter = [] }) => (counter[0]?.["value"] === 2 ? undefined : "one is lost") },
});

const program = {
  initial: null,
  actors: [
    { name: "holder", operations: [{ operation: "hold", parameters: null }] },
    { name: "waiter", operations: [{ operation: "want", parameters: null }] },
  ],
};
const waiting = ["holder", "holder", "waiter", "holder"];
const inTurn = ["holder", "holder", "holder", "waiter"];

/**
 * What a lock wait costs: how much longer the same statements take when one has to wait for another, by us, less the same
 * difference by plain `pg`, where it is the wait as such.
 */
export const lockWait: Bench = {
  name: "lock-wait",
  about: "milliseconds that a lock wait costs over the bare wait",
  async *run({ server, quick }) {
    const [rounds, times] = quick ? [2, 5] : [15, 100];
    const lanes = await Lanes.open(server, model, 1);
    const bare = await Bare.open(server);
    const assignment: Assignment = { model, implementation: "only", program, pool: assignedPool, record: false };
    const ours = (order: readonly string[]) => () =>
      lanes.run((lane) => execute(lane, assignment, followOrder(order))).then(({ trace }) => trace);
    try {
      requireWait(await ours(waiting)());
      const costs: { ours: number; theirs: number }[] = [];
      for (let round = -1; round < rounds; round++) {
        const cost = {
          ours: (await each(times, ours(waiting))) - (await each(times, ours(inTurn))),
          theirs: (await each(times, () => bare.wait())) - (await each(times, () => bare.inTurn())),
        };
        // The first warms up.
        if (round >= 0) costs.push(cost);
      }
      yield {
        name: "cost of a lock wait over the bare wait",
        unit: "ms",
        value: spreadOf(costs.map(({ ours, theirs }) => ours - theirs)),
        samples: rounds,
        details: {
          "raceproof, ms": spreadOf(costs.map((cost) => cost.ours)).median,
          "plain pg, ms": spreadOf(costs.map((cost) => cost.theirs)).median,
        },
      };
    } finally {
      await bare.close();
      await lanes.close();
    }
  },
};

function requireWait({ steps }: { readonly steps: readonly { readonly wait: unknown }[] }): void {
  if (!steps.some(({ wait }) => wait !== null)) throw new Error("nobody waited for a lock");
}

/** Milliseconds that one takes. */
async function each(times: number, body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < times; i++) await body();
  return (performance.now() - begin) / times;
}

/** The same statements on two plain connections. */
class Bare {
  readonly #holder: pg.Client;
  readonly #waiter: pg.Client;

  private constructor(holder: pg.Client, waiter: pg.Client) {
    this.#holder = holder;
    this.#waiter = waiter;
  }

  static async open(server: PostgresServer): Promise<Bare> {
    const { connection } = await server.createDatabase();
    const [holder, waiter] = [new pg.Client(connection), new pg.Client(connection)];
    await Promise.all([holder.connect(), waiter.connect()]);
    await holder.query(schema);
    return new Bare(holder, waiter);
  }

  async wait(): Promise<void> {
    await this.#holder.query("BEGIN");
    await this.#holder.query(update);
    const wanted = this.#waiter.query(update);
    // It is on its way, and about to wait.
    await new Promise((resolve) => setImmediate(resolve));
    await this.#holder.query("COMMIT");
    await wanted;
  }

  async inTurn(): Promise<void> {
    await this.#holder.query("BEGIN");
    await this.#holder.query(update);
    await this.#holder.query("COMMIT");
    await this.#waiter.query(update);
  }

  async close(): Promise<void> {
    await Promise.all([this.#holder.end(), this.#waiter.end()]);
  }
}
