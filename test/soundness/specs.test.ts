import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import type { PermutationRun } from "../../src/spec/run-permutation.js";
import type { SpecOptions } from "../../src/spec/run.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { runText } from "../spec/support.js";
import { serverForFile } from "../support.js";

const server = serverForFile();
const folder = new URL("specs/", import.meta.url);
/** All of them take a quarter of a minute of an idle machine. */
const always =
  /^(trigger-w|foreign-key\.|unique-i|function-r|view\.|read-only|two-waiters|deferred-f|exclusion|generated-column\.|rows-in|numbers)/;
const names = readdirSync(folder).filter(
  (name) => name.endsWith(".spec") && (always.test(name) || process.env["SOUNDNESS_SPECS"] === "all"),
);

/** What every step came to, whatever their order, and the tables as the first session finds them in its teardown. */
function outcomeOf({ steps, text }: PermutationRun): string {
  const results = steps.map(({ step, results }) => `${step.step.name} ${JSON.stringify(results)}`);
  return [...results.toSorted(), text.slice(text.lastIndexOf("\nfinal"))].join("\n");
}

/** @returns The outcomes, but for those of orders that locks make impossible. */
async function outcomes(text: string, strategy: SpecOptions["strategy"]) {
  let exhausted = false;
  const onSearched = (isExhausted: boolean) => (exhausted = isExhausted);
  const runs = await runText(server(), text, { strategy, onSearched, patience: 300 });
  expect(runs.map(({ failure }) => failure).filter(Boolean)).toEqual([]);
  const possible = runs.filter(({ cancelled }) => cancelled.length === 0);
  return { executions: possible.length, exhausted, all: [...new Set(possible.map(outcomeOf))].toSorted() };
}

describe("what could fool the reduction: exhaustive finds the outcomes of all orders", () => {
  test.concurrent.each(names)("%s", async (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    const full = await outcomes(text, "all");
    const reduced = await outcomes(text, exhaustive);
    expect(full.all.length).toBeGreaterThan(1);
    expect(full.all.every((outcome) => outcome.includes("\nfinal"))).toBe(true);
    expect(reduced).toMatchObject({ exhausted: true, all: full.all });
    expect(reduced.executions).toBeLessThanOrEqual(full.executions);
  });
});
