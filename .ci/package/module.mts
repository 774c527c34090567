// A TypeScript user with ECMAScript modules: the types are checked as strictly as there is, libraries included.
import pg from "pg";
import { assertNoRace, defineModel, fc, type RaceResult } from "raceproof";
import "raceproof/register";

const pool = new pg.Pool({ host: "nowhere.invalid" });
const schema = "create table counter (n integer not null); insert into counter values (0)";

const increment = () => pool.query("update counter set n = n + 1");

const result: RaceResult = await assertNoRace({
  schema,
  setup: async () => {
    await pool.query("update counter set n = 1");
    return { done: [] as string[] };
  },
  concurrently: {
    alice: ({ world }) => increment().then(() => world.done.push("alice")),
    bob: [increment, () => pool.query<{ n: number }>("select n from counter")],
  },
  invariant: async ({ world, results, pool }) => {
    const { rows } = await pool.query<{ n: number }>("select n from counter");
    return (
      rows[0]?.n === 3 && world.done.length === 1 && results.alice.status === "fulfilled" && results.bob.length === 2
    );
  },
  reports: false,
});
console.log(`from a module: ${result.claim}`);

export default defineModel({
  name: "counter",
  schema,
  implementations: { only: { create: () => increment } },
  initial: fc.constant(null),
  seed: () => ({}),
  operations: { increment: { parameters: fc.constant(null), run: ({ implementation }) => implementation() } },
  actors: { a: ["increment"] },
  state: { counter: "select n from counter" },
  invariants: {},
});
