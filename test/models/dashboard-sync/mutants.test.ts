import { describe, expect, test } from "vitest";

import model from "../../../models/dashboard-sync/model.js";
import { Lanes } from "../../../src/execution/lanes.js";
import { explore } from "../../../src/explore/explore.js";
import { portfolio } from "../../../src/explore/portfolio.js";
import { check, type CheckOptions } from "../../../src/index.js";
import { usable } from "../../../src/usable-model.js";
import { serverForFile } from "../../support.js";
import { load, mutants, mutated, type Mutant } from "./mutants.js";

test("every mutant changes one place of the code that there is", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(15);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  for (const mutant of mutants) expect(mutated(mutant)).toContain(mutant.to);
});

test("a mutant of code that has changed since is an error", () => {
  const gone: Mutant = { name: "of what was", from: "there is no such text", to: "" };
  expect(() => mutated(gone)).toThrow('mutant "of what was": what it changes occurs 0 times in fixed.ts');
  expect(() => mutated({ ...gone, from: "await" })).toThrow(/occurs \d+ times/);
});

/** The model with a mutant as its only implementation. */
async function withMutant(mutant: Mutant): Promise<typeof model> {
  const create = await load(mutant);
  return { ...model, implementations: { [mutant.name]: { create: ({ pool }) => create(pool) } }, claims: [] };
}

/** The invariants that `check` finds broken. */
async function caught(withIt: typeof model, options?: CheckOptions): Promise<string[]> {
  const { verdict } = await check(withIt, options);
  const violations = verdict.implementations.flatMap((row) => row.violations.flatMap((each) => each.violations));
  return [...new Set(violations.map(({ invariant }) => invariant))];
}

const all = process.env["RACEPROOF_MUTANTS"] === "all";

const tells = mutants.filter(({ equivalent }) => equivalent === undefined);

/** Those that a few executions of the first examples tell from `fixed`. */
const quick = ["no lock", "attempts are not compared", "a failure counts again", "a retry begins no new attempt"];

describe.skipIf(all)("a small budget catches", () => {
  const server = serverForFile();

  test.for(tells.filter(({ name }) => quick.includes(name)).map((each) => [each.name, each] as const))(
    "%s",
    async ([, mutant]) => {
      const withIt = usable(await withMutant(mutant));
      const lanes = await Lanes.open(server(), withIt, 2);
      try {
        const { failures } = await explore({
          lanes,
          model: withIt,
          implementation: mutant.name,
          faults: false,
          strategy: portfolio("mutants"),
          seed: "mutants",
          budget: { executions: 150 },
        });
        expect(failures).not.toEqual([]);
      } finally {
        await lanes.close();
      }
    },
  );
});

// `npm run mutants`: each of them, with the whole budget where less does not catch it, and by which invariant.
describe.runIf(all)("check", () => {
  test.for(mutants.map((each) => [each.name, each] as const))("%s", { timeout: 1_800_000 }, async ([, mutant]) => {
    const withIt = await withMutant(mutant);
    const little = mutant.equivalent === undefined ? await caught(withIt, { executions: 250 }) : [];
    const caughtBy = little.length > 0 ? little : await caught(withIt, mutant.caughtBy);
    console.log(`${mutant.name}: ${mutant.equivalent ?? caughtBy.join("; ")}`);
    expect(caughtBy.length > 0).toBe(mutant.equivalent === undefined);
  });
});
