import { describe, expect, test } from "vitest";

import { loadModel, shippedModels } from "../../src/cli/load-model.js";
import { check } from "../../src/index.js";

/** The smallest counterexamples to each kernel's `broken`. */
const kernels: Readonly<Record<string, readonly { operations: number; switches: number; steps: number }[]>> = {
  "check-then-insert": [{ operations: 2, switches: 2, steps: 4 }],
  "claim-without-skip-locked": [{ operations: 2, switches: 3, steps: 8 }],
  "counters-on-disjoint-rows": [],
  "double-spend": [{ operations: 2, switches: 2, steps: 8 }],
  "lock-ordered-transfer": [{ operations: 2, switches: 3, steps: 8 }],
  "lock-released-too-early": [{ operations: 2, switches: 2, steps: 12 }],
  "lost-update": [{ operations: 2, switches: 2, steps: 8 }],
  "outbox-sent-twice": [{ operations: 2, switches: 2, steps: 6 }],
  oversell: [{ operations: 2, switches: 2, steps: 10 }],
  "receipt-and-batch": [{ operations: 3, switches: 3, steps: 11 }],
  "upsert-race": [{ operations: 3, switches: 4, steps: 8 }],
  "write-skew": [{ operations: 2, switches: 2, steps: 8 }],
};

test("every model that ships is here, but for those of the dashboard, which have tests of their own", () => {
  const others = shippedModels().filter((name) => !name.startsWith("dashboard-sync"));
  expect(others.toSorted()).toEqual(Object.keys(kernels).toSorted());
});

describe("each does what is recorded, and breaks in its smallest form", () => {
  test.each(Object.entries(kernels))("%s", async (name, smallest) => {
    const { model } = await loadModel(name);
    const { verdict, counterexamples } = await check(model, { executions: 150 });
    expect(verdict.asExpected).toBe(true);
    const holding = verdict.implementations.find((each) => each.name === "correct")!;
    expect(holding).toMatchObject({ verdict: "holds", problems: [] });
    const overlaps = Object.values(holding.overlaps).reduce((sum, times) => sum + times);
    // Where all steps commute, one order stands for all, and it is one without an overlap.
    expect(overlaps > 0).toBe(smallest.length > 0);
    expect(counterexamples.map(({ shrink }) => shrink.to)).toMatchObject(smallest);
    for (const { confirmed } of counterexamples) expect(confirmed).toEqual({ reproduced: 10, times: 10 });
  });
});
