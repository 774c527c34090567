import { beforeAll, describe, expect, test } from "vitest";

import { claims } from "../../../models/dashboard-sync/claims.js";
import { examples } from "../../../models/dashboard-sync/examples.js";
import { expectations } from "../../../models/dashboard-sync/expectations.js";
import { invariants } from "../../../models/dashboard-sync/invariants.js";
import model from "../../../models/dashboard-sync/model.js";
import {
  check,
  readCounterexample,
  replayCounterexample,
  writeCounterexample,
  type CheckResult,
  type Counterexample,
  type Expectation,
} from "../../../src/index.js";
import { explained } from "../../../src/oracle/judge.js";

function breaking(result: CheckResult, invariant: string, way: string): Counterexample | undefined {
  return result.counterexamples.find(({ implementation, violations }) =>
    violations.some((each) => implementation === "legacy" && each.invariant === invariant && each.way === way),
  );
}

describe("legacy against fixed", () => {
  let result: CheckResult;

  beforeAll(async () => {
    result = await check(model, {
      implementations: ["legacy", "fixed"],
      isolation: ["read committed"],
      faults: false,
      seed: "b",
      executions: 300,
    });
  }, 240_000);

  test("legacy has both bugs, fixed has none", () => {
    const [legacy, fixed] = result.verdict.implementations;
    expect(legacy).toMatchObject({ name: "legacy", verdict: "violates" });
    expect(fixed).toMatchObject({ name: "fixed", verdict: "holds", violations: [], problems: [] });
    expect(breaking(result, "counter equals failed rows", "too high")).toBeDefined();
    expect(breaking(result, "counter is never clamped", "decremented at zero")).toBeDefined();
  });

  test("the redelivery race is told in its shortest form, and replays", async () => {
    const found = breaking(result, "counter equals failed rows", "too high")!;
    expect(found.program.initial).toEqual({ runs: [["failed"]] });
    expect(found.shrink.to).toMatchObject({ actors: 2, operations: 2, switches: 2 });
    expect(found.trace.operations.map(({ operation }) => operation).toSorted()).toEqual(["redeliver", "retry"]);
    expect(found.confirmed).toEqual({ reproduced: 10, times: 10 });
    const again = readCounterexample(writeCounterexample(found), "file");
    const { replays } = await replayCounterexample(model, again, { times: 5 });
    expect(replays.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => "reproduced"));
  });

  test("the double retry takes one user, pressing twice", () => {
    const found = breaking(result, "counter is never clamped", "decremented at zero")!;
    expect(found.shrink.to).toMatchObject({ actors: 1, operations: 1, switches: 0 });
    expect(found.trace.operations.map(({ operation }) => operation)).toEqual(["double retry"]);
  });
});

const known = new Set<string>([...Object.keys(invariants), explained]);

test("what is expected and claimed is about invariants and implementations that there are", () => {
  expect(Object.keys(model.implementations)).toEqual(Object.keys(expectations));
  const expected = Object.values(expectations).flatMap((each) => Object.values<Expectation>(each));
  for (const name of expected.flatMap((each) => (typeof each === "object" ? each.violates : [])))
    expect(known).toContain(name);
  for (const claim of claims) {
    for (const name of claim.invariants) expect(known).toContain(name);
    for (const name of claim.implementations) expect(Object.keys(expectations)).toContain(name);
  }
});

test("the examples are all different, and small", () => {
  expect(new Set(examples.map((example) => JSON.stringify(example))).size).toBe(examples.length);
  for (const { actors, faults = [] } of examples) {
    expect(actors.flatMap(({ operations }) => operations).length).toBeLessThanOrEqual(4);
    expect(faults.length).toBeLessThanOrEqual(2);
  }
});
