import type pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";

import { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel } from "../../src/execution/model.js";
import { explore, type ExploreOptions } from "../../src/explore/explore.js";
import { portfolio } from "../../src/explore/portfolio.js";
import { fc, PostgresError, RaceproofError, UsageError } from "../../src/index.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { random } from "../../src/strategy/random.js";
import type { Strategy } from "../../src/strategy/strategy.js";
import { serverForFile } from "../support.js";
import { counterModel } from "./counter.js";

const server = serverForFile();

async function exploring(model: AnyModel, count: number, more: Partial<ExploreOptions> = {}) {
  const lanes = await Lanes.open(server(), model, count);
  onTestFinished(() => lanes.close());
  const seed = "test";
  const [implementation = ""] = Object.keys(model.implementations);
  const budget = { executions: 120 };
  return explore({ lanes, model, implementation, faults: false, strategy: random(seed), seed, budget, ...more });
}

describe("exploring", () => {
  const comparable = ({ coverage, failures, seen, problems }: Awaited<ReturnType<typeof exploring>>) => ({
    coverage,
    failures: failures.map(({ execution, program, violations, trace }) => ({
      execution,
      program,
      violations,
      schedule: trace.schedule,
    })),
    seen: [...seen],
    problems: [...problems],
  });

  test("gives the same with the same seed, on however many lanes, and something else with another", async () => {
    const [one, three, other] = [
      await exploring(counterModel(), 1),
      await exploring(counterModel(), 3),
      await exploring(counterModel(), 3, { seed: "other", strategy: random("other") }),
    ];
    expect(comparable(three)).toEqual(comparable(one));
    expect(comparable(other).coverage).not.toEqual(comparable(one).coverage);
    expect([...one.seen.keys()]).toEqual(["nothing is lost: too low"]);
    expect(one.coverage).toMatchObject({ executions: 120, lockWaits: expect.any(Number) });
    expect(one.coverage.programs).toBeGreaterThan(8);
    expect(one.coverage.overlaps["add × add"]).toBeGreaterThan(0);
    expect(one.problems.size).toBe(0);
  });

  test.each([exhaustive, portfolio("test")])(
    "so does $name, whose executions depend on each other",
    async (strategy) => {
      const again = strategy.name === "portfolio" ? portfolio("test") : strategy;
      const one = await exploring(counterModel(), 1, { strategy });
      const three = await exploring(counterModel(), 3, { strategy: again });
      expect(comparable(three)).toEqual(comparable(one));
      expect(one.coverage.exhausted.programs).toBeGreaterThan(0);
      expect(one.coverage.exhausted.executions).toBeLessThanOrEqual(one.coverage.executions);
    },
  );

  test("ends by itself once every order of every program has been run", async () => {
    const model = counterModel({
      initial: fc.constant({ start: 1, others: [] }),
      operations: { add: { ...counterModel().operations["add"]!, parameters: fc.constant({ by: 1 }) } },
      actors: { a: ["add"], b: ["add"] },
      operationsPerActor: 1,
    });
    const { coverage, failures } = await exploring(model, 3, { strategy: exhaustive, budget: { executions: 1_000 } });
    // One alone, the other alone, and both: 1 + 1 + C(8,4) orders, think points included C(10,5).
    expect(coverage.exhausted).toMatchObject({ programs: 3, executions: coverage.executions, orders: 254 });
    expect(coverage.executions).toBeLessThan(30);
    expect(failures).toHaveLength(1);
  });

  test("finds nothing in what is right", async () => {
    const { failures, coverage } = await exploring(counterModel(), 3, { implementation: "careful" });
    expect(failures).toEqual([]);
    expect(coverage.lockWaits).toBeGreaterThan(0);
  });

  test("ends when it is told to, at the number, or after the time", async () => {
    const controller = new AbortController();
    const aborted = await exploring(counterModel(), 2, {
      signal: controller.signal,
      budget: { executions: Infinity },
      onProgress: ({ executions }) => executions === 20 && controller.abort(),
    });
    expect(aborted).toMatchObject({ interrupted: true });
    expect(aborted.coverage.executions).toBeGreaterThanOrEqual(20);
    expect(aborted.coverage.executions).toBeLessThan(40);
    const timed = await exploring(counterModel(), 2, { budget: { executions: Infinity, seconds: 0.3 } });
    expect(timed.interrupted).toBe(false);
    expect(timed.coverage.executions).toBeGreaterThan(0);
  });

  test("a strand gives up when an execution could not be finished, always at the same one", async () => {
    const hopeless: Strategy = {
      name: "hopeless",
      search: (program) => ({
        exhausted: false,
        estimate: undefined,
        learn: () => undefined,
        next: () => ({
          choose: () => {
            if (Number(program) % 3 === 2) throw new RaceproofError("every third cannot be finished");
            return 0;
          },
        }),
      }),
    };
    const options = { strategy: hopeless };
    const [one, three] = [await exploring(counterModel(), 1, options), await exploring(counterModel(), 3, options)];
    expect([...one.problems]).toEqual([["every third cannot be finished", { times: 4, first: 2 }]]);
    expect([three.problems, three.coverage]).toEqual([one.problems, one.coverage]);
    // Twelve strands of ten executions, of which every third has a program that cannot be finished.
    expect(one.coverage.executions).toBe(80);
  });

  test("does not go on with a model that is wrong, or without a server", async () => {
    const wrong = counterModel({ seed: () => ({ nothing: [{ id: 1 }] }) });
    await expect(exploring(wrong, 2)).rejects.toThrow(UsageError);
    const dying = counterModel({
      implementations: { only: { create: ({ pool }) => ({ pool, locks: "" }) } },
      operations: {
        ...counterModel().operations,
        look: {
          ...counterModel().operations["look"]!,
          run: ({ pool }: { pool: pg.Pool }) => pool.query("select pg_terminate_backend(pg_backend_pid())"),
        },
      },
    });
    await expect(exploring(dying, 2)).rejects.toThrow(PostgresError);
  });
});
