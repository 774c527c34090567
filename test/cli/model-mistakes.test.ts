import { expect, test } from "vitest";

import { check, defineModel, fc, UsageError } from "../../src/index.js";
import type { AnyModel } from "../../src/execution/model.js";

const good: AnyModel = defineModel<null, null, unknown, { increment: null }>({
  name: "counter",
  schema: "create table counter (n integer not null)",
  implementations: { only: { create: () => null } },
  initial: fc.constant(null),
  seed: () => ({ counter: [{ n: 0 }] }),
  operations: {
    increment: {
      parameters: fc.constant(null),
      run: ({ pool }) => pool.query("update counter set n = n + 1"),
    },
  },
  actors: { alice: ["increment"], bob: ["increment"] },
  state: { counter: "select n from counter" },
  invariants: { "nothing is lost": () => undefined },
});

const { increment } = good.operations;
const { only } = good.implementations;

function fails(what: string): () => never {
  return () => {
    throw new Error(what);
  };
}

/** Each a mistake, which types would have told, but not everybody has them. */
const mistakes: readonly (readonly [says: RegExp, changes: object])[] = [
  [/actor "alice" runs "decrement", which is no operation/, { actors: { alice: ["increment", "decrement"] } }],
  [/actor "alice" runs "toString"/, { actors: { alice: ["toString"] } }],
  [/actor "alice" must have a list of the operations/, { actors: { alice: [] } }],
  [/actor "bob" must have a list/, { actors: { bob: null } }],
  [/actor "a#2" is called like a further connection/, { actors: { a: ["increment"], "a#2": ["increment"] } }],
  [/`actors` must be an object with at least one/, { actors: {} }],
  [/"increment" has no `parameters`; for none write/, { operations: { increment: { run: increment!.run } } }],
  [/`parameters` of operation "increment" must be/, { operations: { increment: { ...increment, parameters: 42 } } }],
  [/"increment" has no `run` function/, { operations: { increment: null } }],
  [/"only" has no `create` function/, { implementations: { only: null } }],
  [/"holds", "violates" or/, { implementations: { only: { ...only, expect: "breaks" } } }],
  [/`expect` of implementation "only"/, { implementations: { only: { ...only, expect: { violates: [] } } } }],
  [/no invariant of the model/, { implementations: { only: { ...only, expect: { violates: ["x"] } } } }],
  [/`operationsPerActor` must be a whole number/, { operationsPerActor: 0 }],
  [/state query "counter" must be SQL/, { state: { counter: 42 } }],
  [/invariant "x" must be a function/, { invariants: { x: "y" } }],
  [
    /"operations end as they may" is an invariant that every model has/,
    { invariants: { "operations end as they may": () => undefined } },
  ],
  [/`initial` must be a fast-check arbitrary/, { initial: {} }],
  [
    /refuses the schema of model "counter": syntax error.*42601.*near: tabel/s,
    { schema: "create tabel x (n integer)" },
  ],
  [/refuses the state queries .*"m" does not exist/s, { state: { counter: "select m from counter" } }],
  [/refuses seeding .*"conter" does not exist/s, { seed: () => ({ conter: [{ n: 0 }] }) }],
  [/seed of model "counter" returned .*lists of rows/, { seed: () => ({ counter: { n: 0 } }) }],
  [/seed .* returned a promise/, { seed: async () => ({}) }],
  [/seed .* threw Error: no rows\n {2}at .*model-mistakes/, { seed: fails("no rows") }],
  [/world .* threw Error: no world/, { world: fails("no world") }],
  [/create of implementation "only" .* threw Error: none/, { implementations: { only: { create: fails("none") } } }],
  [/invariant "x" .* threw Error: oops\n {2}at .*model-mistakes/, { invariants: { x: fails("oops") } }],
  [/invariant "x" .* returned true; it must return undefined when it holds/, { invariants: { x: () => true } }],
  [/invariant "x" .* returned a promise/, { invariants: { x: async () => undefined } }],
  [/display .* threw Error: no display/, { display: fails("no display"), invariants: { x: () => "broken" } }],
  [/simplify .* threw Error: not simple/, { simplify: fails("not simple"), invariants: { x: () => "broken" } }],
  [
    /describe of operation "increment" .* threw/,
    { operations: { increment: { ...increment, describe: fails("no") } } },
  ],
  [
    /parameters of operation "increment" .* returned undefined/,
    { operations: { increment: { ...increment, parameters: () => undefined } } },
  ],
  [
    /contain a bigint, and they must be plain JSON/,
    { operations: { increment: { ...increment, parameters: fc.bigInt() } } },
  ],
  [/contain a Date/, { operations: { increment: { ...increment, parameters: fc.date() } } }],
  [/contain a Map/, { initial: fc.constant({ inside: [new Map()] }) }],
  [/contain NaN/, { initial: fc.constant(Number.NaN) }],
];

test.for(mistakes)("%s", async ([says, changes]) => {
  const model: AnyModel = { ...good, ...changes };
  const error: unknown = await check(model, { executions: 10, lanes: 1 }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toMatch(says);
  // One place in the user's own code at the most, and none in ours.
  expect((error as Error).message.match(/^\s+at /gm)?.length ?? 0).toBeLessThan(2);
});

test.for([
  [/`executions` must be a whole number/, { executions: 0 }],
  [/`executions`/, { executions: Number.NaN }],
  [/`lanes`/, { lanes: 0.5 }],
  [/`seconds` must be above 0/, { seconds: 0 }],
  [/no implementation "other"; it has: only/, { implementations: ["other"] }],
] as const)("%s", async ([says, options]) => {
  await expect(check(good, options)).rejects.toThrow(says);
});

test("a frozen model, and operations that are instances of a class", async () => {
  class Increment {
    readonly parameters = fc.constant(null);
    run({ pool }: { pool: { query: (text: string) => Promise<unknown> } }): Promise<unknown> {
      return pool.query("update counter set n = n + 1");
    }
  }
  const model = Object.freeze({ ...good, operations: Object.freeze({ increment: Object.freeze(new Increment()) }) });
  const { verdict } = await check(model, { executions: 10 });
  expect(verdict.asExpected).toBe(true);
});
