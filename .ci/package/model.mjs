// Runs in an empty project that has installed the packed package: a model in plain JavaScript, by the public API alone.
import assert from "node:assert/strict";
import pg from "pg";
import { check, defineModel, fc } from "raceproof";

const pool = new pg.Pool({ connectionString: "postgres://nobody@nowhere.invalid/nothing" });

async function increment(lock) {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query(`select n from counter ${lock}`);
    await client.query("update counter set n = $1", [rows[0].n + 1]);
    await client.query("commit");
  } finally {
    client.release();
  }
}

const model = defineModel({
  name: "counter",
  schema: "create table counter (n integer not null)",
  implementations: {
    broken: { expect: { violates: ["nothing is lost"] }, create: () => () => increment("") },
    correct: { expect: "holds", create: () => () => increment("for update") },
  },
  initial: fc.constant({ n: 0 }),
  seed: ({ n }) => ({ counter: [{ n }] }),
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
    "nothing is lost": ({ counter }, { world }) =>
      counter[0].n === world.increments ? undefined : `${world.increments} increments, but n = ${counter[0].n}`,
  },
});

const { verdict, counterexamples } = await check(model, { executions: 300 });
assert.equal(verdict.asExpected, true, JSON.stringify(verdict.implementations, null, 2));
assert.equal(counterexamples.length, 1);
assert.equal(counterexamples[0].shrink.to.operations, 2);
console.log("the packed package finds the lost update, and finds nothing in the correct variant");
