import type { Pair } from "./real.js";

/** Pairs that were once said to commute and did not, each with what was wrong. */
export const regressions: readonly (readonly [what: string, pair: Pair])[] = [
  [
    "SKIP LOCKED that finds nothing has looked at locks all the same",
    {
      before: [
        ["a", "begin"],
        ["b", "begin"],
        ["b", "update t set n = n + 1 where id = 1"],
      ],
      a: "select n from t where id = 1 order by id for update skip locked",
      b: "select 1/0",
    },
  ],
];
