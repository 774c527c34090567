import { describe, expect, test } from "vitest";

import model from "../../../models/dashboard-sync/model.js";
import {
  check,
  readCounterexample,
  replayCounterexample,
  writeCounterexample,
  type CheckResult,
} from "../../../src/index.js";

// A part of the default budget, enough for both bugs with these seeds; ten seeds with the default budget find both, too.
const results = new Map<string, CheckResult>();
for (const seed of ["b", "d"]) {
  describe(`seed ${seed}`, () => {
    test("legacy has both bugs, fixed has none", async () => {
      const result = await check(model, { seed, executions: 600 });
      results.set(seed, result);
      const [legacy, fixed] = result.verdict.implementations;
      const signatures = legacy!.violations.map(({ signature }) => signature);
      expect(signatures).toContainEqual(expect.stringContaining("counter equals failed rows: too high"));
      expect(signatures).toContainEqual(expect.stringMatching(/too low|clamped/));
      expect(fixed).toMatchObject({ verdict: "holds", violations: [], problems: [], executions: 600 });
      expect(fixed!.lockWaits).toBeGreaterThan(0);
      for (const { overlaps } of [legacy!, fixed!])
        for (const pair of ["redeliver × retry", "double retry × redeliver"]) expect(overlaps[pair]).toBeGreaterThan(0);
    });

    test("the redelivery race is told in its shortest form", async () => {
      const { counterexamples } = results.get(seed)!;
      const found = counterexamples.find(({ signature }) => signature === "counter equals failed rows: too high")!;
      expect(found.program.initial).toEqual({ runs: [["failed"]] });
      expect(found.shrink.to).toMatchObject({ actors: 2, operations: 2, steps: 12, switches: 2 });
      expect(found.trace.operations.map(({ operation }) => operation).toSorted()).toEqual(["redeliver", "retry"]);
      expect(found.confirmed).toEqual({ reproduced: 10, times: 10 });
      const again = readCounterexample(writeCounterexample(found), "file");
      const { replays } = await replayCounterexample(model, again, { times: 5 });
      expect(replays.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => "reproduced"));
    });

    test("the double retry takes one user, pressing twice", () => {
      const { counterexamples } = results.get(seed)!;
      const found = counterexamples.find(
        ({ signature }) => signature === "counter is never clamped: decremented at zero",
      )!;
      expect(found.shrink.to).toMatchObject({ actors: 1, operations: 1, switches: 0 });
      expect(found.trace.operations.map(({ operation }) => operation)).toEqual(["double retry"]);
    });
  });
}
