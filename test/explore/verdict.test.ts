import { describe, expect, test } from "vitest";

import type { OperationRecord, Step, Trace } from "../../src/execution/trace.js";
import { accountOf, CoverageCount } from "../../src/explore/coverage.js";
import { numericSeed, programSource } from "../../src/explore/programs.js";
import { verdictOf, type Coverage, type Evidence, type ViolationReport } from "../../src/explore/verdict.js";
import { fc, UsageError } from "../../src/index.js";
import { sumOfMetrics } from "../../src/strategy/metrics.js";
import { counterModel } from "./counter.js";

const coverage: Coverage = {
  programs: 2,
  strategies: { random: 1200 },
  exhausted: { programs: 0, executions: 0, orders: 0 },
  executions: 1200,
  distinctSchedules: 34,
  steps: 500,
  decisions: 400,
  contextSwitches: 200,
  preemptions: 100,
  lockWaits: 0,
  deadlocks: 0,
  pctBounds: {},
  overlaps: {},
};

const violation = (...invariants: string[]): ViolationReport => ({
  signature: "",
  violations: invariants.map((invariant) => ({ invariant, way: "broken", message: "" })),
  operations: 1,
  faults: 0,
  steps: 1,
  switches: 0,
  seen: 1,
  counterexample: null,
});

const evidence: Evidence = {
  name: "only",
  condition: "read committed",
  expected: "holds",
  strategy: "random",
  seed: "s",
  coverage,
  violations: [],
  problems: new Map(),
  interrupted: false,
  seconds: 1,
};

function judged(change: Partial<Evidence>) {
  const { verdict, asExpected } = verdictOf({ ...evidence, ...change });
  return [verdict, asExpected];
}

describe("a verdict", () => {
  test("holds only where nothing was cut off, went wrong, or was never run", () => {
    expect(judged({})).toEqual(["holds", true]);
    expect(judged({ interrupted: true })).toEqual(["inconclusive", false]);
    expect(judged({ problems: new Map([["stuck", 1]]) })).toEqual(["inconclusive", false]);
    expect(judged({ coverage: { ...coverage, executions: 0, steps: 0 } })).toEqual(["inconclusive", false]);
  });

  test("of PCT says how likely it met a bug of its depth", () => {
    const pct = (strategy: string) =>
      verdictOf({
        ...evidence,
        strategy,
        coverage: { ...coverage, strategies: { [strategy]: 1200 }, pctBounds: { 3: 0.0123 } },
      }).claim;
    expect(pct("pct:3")).toBe(
      "1,200 pct:3 schedules of 2 programs, 34 distinct, a bug of depth 3 had a chance of at least 1.2 % to be met in each program",
    );
    expect(pct("portfolio")).not.toContain("chance");
  });

  test("is `violates` with a violation, whatever else went wrong", () => {
    const violations = [violation("x")];
    expect(judged({ violations })).toEqual(["violates", false]);
    expect(judged({ violations, interrupted: true, problems: new Map([["stuck", 1]]) })).toEqual(["violates", false]);
  });

  test("fails an implementation that was expected to violate and does not, or not just what it should", () => {
    expect(judged({ expected: "violates" })).toEqual(["holds", false]);
    expect(judged({ expected: "violates", violations: [violation("x")] })).toEqual(["violates", true]);
    const expected = { violates: ["x", "y"] };
    expect(judged({ expected })).toEqual(["holds", false]);
    expect(judged({ expected, violations: [violation("x")] })).toEqual(["violates", false]);
    expect(judged({ expected, violations: [violation("x"), violation("y", "x")] })).toEqual(["violates", true]);
    expect(judged({ expected, violations: [violation("x", "y", "z")] })).toEqual(["violates", false]);
  });
});

describe("coverage", () => {
  const step = (change: Partial<Step>): Step => ({
    index: 0,
    actor: "a",
    session: "a",
    operation: 0,
    kind: "statement",
    text: "",
    values: [],
    outcome: { kind: "passed" },
    wait: null,
    transaction: "none",
    ...change,
  });
  const operation = (actor: string, name: string, steps: OperationRecord["steps"]): OperationRecord => ({
    actor,
    index: 0,
    operation: name,
    parameters: null,
    steps,
    result: { returned: null },
  });
  const program = { initial: null, actors: [] };

  test("counts what happened, and the pairs of operations that overlapped and that never did", () => {
    const count = new CoverageCount(counterModel());
    const metrics = { steps: 2, decisions: 1, contextSwitches: 1, preemptions: 0, lockWaits: 1 };
    const trace: Trace = {
      steps: [
        step({ wait: { holders: ["b"], lock: "", on: null, until: null } }),
        step({ outcome: { kind: "error", code: "40P01", message: "" } }),
      ],
      operations: [operation("a", "look", [0, 3]), operation("b", "add", [2, 5]), operation("c", "add", [6, 7])],
      schedule: [],
      state: {},
    };
    count.add(accountOf(program, trace, "urw", metrics));
    count.add(accountOf(program, trace, "pos", metrics));
    count.add(accountOf(program, { ...trace, schedule: [{ step: 1, to: "b" }], operations: [] }, "urw", metrics));
    expect(count.total).toEqual({
      programs: 1,
      strategies: { pos: 1, urw: 2 },
      executions: 3,
      distinctSchedules: 2,
      steps: 6,
      decisions: 3,
      contextSwitches: 3,
      preemptions: 0,
      lockWaits: 3,
      deadlocks: 3,
      pctBounds: {},
      overlaps: { "add × add": 0, "add × look": 2, "look × look": 0 },
    });
  });

  test("tells PCT's bound for the program where it is the least", () => {
    const count = new CoverageCount(counterModel());
    const trace = (actors: string): Trace => ({
      steps: actors.split("").map((actor) => step({ actor })),
      operations: [],
      schedule: [],
      state: {},
    });
    const stepsOf = ({ length: steps }: string) => ({ ...sumOfMetrics([]), steps });
    const other = { ...program, initial: 1 };
    const withFaults = { ...program, faults: [{ actor: "a", kind: "crash" as const }] };
    // The first of each program is run to learn how long it is.
    for (const order of ["ab", "abab", "abba"]) count.add(accountOf(program, trace(order), "pct:2", stepsOf(order)));
    for (const order of ["abcd", "abcd"]) count.add(accountOf(other, trace(order), "pct:2", stepsOf(order)));
    for (const order of ["abcde", "abcde"]) count.add(accountOf(withFaults, trace(order), "pct:2", stepsOf(order)));
    expect(count.total.pctBounds).toEqual({ 2: 1 / 16 });
    count.add(accountOf(other, trace("abcd"), "pct:2", stepsOf("abcd")));
    expect(count.total.pctBounds).toEqual({ 2: 1 - (15 / 16) ** 2 });
  });
});

describe("generated programs", () => {
  test("are given by seed and number, and never do nothing", () => {
    const [one, same, other] = [
      programSource(counterModel(), "s"),
      programSource(counterModel(), "s"),
      programSource(counterModel(), "t"),
    ];
    const programs = Array.from({ length: 50 }, (_, i) => one(i));
    // Asked for in another order.
    expect(Array.from({ length: 50 }, (_, i) => same(49 - i)).toReversed()).toEqual(programs);
    expect(Array.from({ length: 50 }, (_, i) => other(i))).not.toEqual(programs);
    for (const { actors } of programs) {
      expect(actors.map(({ name }) => name)).toEqual(["a", "b", "c"]);
      const sizes = actors.map(({ operations }) => operations.length);
      expect(Math.max(...sizes)).toBeGreaterThan(0);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(2);
    }
    expect(new Set(programs.map((program) => JSON.stringify(program))).size).toBeGreaterThan(40);
  });

  test("must be plain data", () => {
    const source = programSource(counterModel({ initial: fc.constant({ start: new Date(0) }) }), "s");
    expect(() => source(0)).toThrow(UsageError);
  });

  test("numbers of seeds are 32 bits, and differ by purpose", () => {
    const numbers = ["a", "b"].flatMap((seed) => ["x", "y"].map((purpose) => numericSeed(seed, purpose)));
    expect(new Set(numbers).size).toBe(4);
    for (const number of numbers) expect(number).toBe(number | 0);
  });
});
