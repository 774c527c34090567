import pg from "pg";
import { defineModel, fc } from "raceproof";

// Copied into a user's folder by the tests: code that knows nothing of raceproof, with a pool for the whole module.
export const pool = new pg.Pool({ host: "nowhere.invalid" });

export async function increment(lock: "" | "for update"): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ n: number }>(`select n from counter ${lock}`);
    await client.query("update counter set n = $1", [rows[0]!.n + 1]);
    await client.query("commit");
  } finally {
    client.release();
  }
}

interface World {
  increments: number;
}

export const counter = defineModel<null, () => Promise<void>, World, { increment: null }>({
  name: "counter",
  schema: "create table counter (n integer not null)",
  implementations: {
    broken: { expect: { violates: ["nothing is lost"] }, create: () => () => increment("") },
    correct: { expect: "holds", create: () => () => increment("for update") },
  },
  initial: fc.constant(null),
  seed: () => ({ counter: [{ n: 0 }] }),
  world: () => ({ increments: 0 }),
  operations: {
    increment: {
      parameters: fc.constant(null),
      run: async ({ implementation, world }) => {
        await implementation();
        world.increments++;
      },
    },
  },
  actors: { alice: ["increment"], bob: ["increment"] },
  state: { counter: "select n from counter" },
  invariants: {
    "nothing is lost": ({ counter = [] }, { world }) =>
      counter[0]?.["n"] === world.increments
        ? undefined
        : `${world.increments} increments, but n = ${counter[0]?.["n"]}`,
  },
});

export default counter;
