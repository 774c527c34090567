import fc from "fast-check";

import type { Json } from "../../src/execution/program.js";
import type { Outcome, Step, Wait } from "../../src/execution/trace.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";
import { counterexampleOf } from "./fixtures.js";

/** What breaks tables, pages and terminals. */
const nasty = fc.constantFrom(
  "|",
  "\\",
  "`",
  "``",
  "<b>",
  "&amp;",
  "\n",
  "\r",
  "\t",
  "\u0000",
  "\u001b[31m",
  "\u009b",
  "\u202e",
  "\u200b",
  "**",
  "_",
  "[x](y)",
  "表",
  "👩‍👩‍👧‍👦",
  "é",
  "\ud800",
  "'",
  '"',
  "$1",
  "$$",
  "/*",
  "--",
  ";",
  "(",
  ")",
  " WHERE ",
  " SET ",
  "SELECT",
);

/** Words, nasty bits and anything else, in any order. */
export const text = fc
  .array(
    fc.oneof(
      nasty,
      fc.string({ unit: "grapheme", maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.lorem({ maxCount: 3 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("rows" as const),
      command: fc.constantFrom("SELECT", "UPDATE", "ROLLBACK", ""),
      rowCount: fc.option(fc.nat(3)),
      rows: fc.array(json, { maxLength: 3 }),
    },
    { requiredKeys: ["kind", "command", "rowCount"], noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant("error" as const), code: fc.option(text), message: text }, { noNullPrototype: true }),
  fc.constant({ kind: "passed" as const }),
);

const wait: fc.Arbitrary<Wait> = fc.record(
  { holders: fc.array(text, { maxLength: 2 }), lock: text, on: fc.option(text), until: fc.option(fc.nat(8)) },
  { noNullPrototype: true },
);

const display = fc.dictionary(fc.constantFrom("counter", "flags", "表|`"), text, { noNullPrototype: true });

/** Any counterexample at all, as long as it is well formed; far from what Postgres would do. */
export const counterexample: fc.Arbitrary<Counterexample> = fc
  .uniqueArray(text, { minLength: 1, maxLength: 4 })
  .chain((names) =>
    fc.record(
      {
        implementation: text,
        initial: json,
        actors: fc.tuple(
          ...names.map((name) =>
            fc.record(
              {
                name: fc.constant(name),
                operations: fc.array(fc.record({ operation: text, parameters: json }, { noNullPrototype: true }), {
                  minLength: 1,
                  maxLength: 2,
                }),
              },
              { noNullPrototype: true },
            ),
          ),
        ),
        before: display,
        steps: fc.array(
          fc.record(
            {
              actor: fc.constantFrom(...names),
              session: text,
              operation: fc.nat(1),
              kind: fc.constantFrom<Step["kind"]>("statement", "yield"),
              text,
              values: fc.array(json, { maxLength: 2 }),
              outcome,
              wait: fc.option(wait),
              transaction: fc.constantFrom<Step["transaction"]>("none", "open", "failed"),
              display,
            },
            { requiredKeys: ["actor", "text", "outcome"], noNullPrototype: true },
          ),
          { maxLength: 6 },
        ),
        violations: fc.array(fc.record({ invariant: text, way: text, message: text }, { noNullPrototype: true }), {
          minLength: 1,
          maxLength: 2,
        }),
        state: fc.dictionary(
          text,
          fc.array(fc.dictionary(text, json, { maxKeys: 2, noNullPrototype: true }), { maxLength: 7 }),
          { maxKeys: 2, noNullPrototype: true },
        ),
      },
      { requiredKeys: ["actors", "steps", "violations"], noNullPrototype: true },
    ),
  )
  .map(counterexampleOf);
