import { beforeAll, expect, test } from "vitest";

import { scenarios } from "../../scenarios/index.js";
import { redeliveryDuringRetry } from "../../scenarios/dashboard-sync/redelivery-during-retry.js";
import { playScenarios, UsageError, type Played } from "../../src/index.js";
import { project } from "../cli/support.js";

const { run } = project();

let played: readonly Played[];

beforeAll(async () => {
  played = await playScenarios(scenarios);
});

const named = scenarios.flatMap(({ name, ends }) =>
  Object.keys(ends).map((implementation) => [name, implementation] as const),
);

test.for(named)("%s ends as it says for %s", ([name, implementation]) => {
  const one = played.find((each) => each.scenario === name && each.implementation === implementation)!;
  expect(one.display).toEqual(one.expected.display);
  expect(new Set(one.violations.map(({ invariant }) => invariant))).toEqual(new Set(one.expected.breaks));
  expect(one.asExpected).toBe(true);
});

test("there is one for each timeline of the analysis", () => {
  const names = scenarios.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["redelivery-during-retry", "double-retry"]));
  expect(names.filter((name) => name.startsWith("testing-"))).toHaveLength(4);
});

test("redelivery during retry leaves legacy in the desync state of the analysis: counter 1, flag true, no row", () => {
  const { trace } = played.find(
    ({ scenario, implementation }) => scenario === "redelivery-during-retry" && implementation === "legacy",
  )!;
  expect(trace.state).toMatchObject({
    runs: [{ run_id: "r1", counter: 1, flags: 1, rows: 0 }],
    flags: [{ partition_id: "p1", failed: true, completed: false }],
    rows: [],
    writes: [{ run_id: "r1", increments: 2, decrements: 1, clamped: 0 }],
  });
  // Worker B fails while the user's retry is over: what it updates is gone.
  const update = trace.steps.find(({ actor, text }) => actor === "worker B" && text.includes("UPDATE worker_runs"));
  expect(update?.outcome).toMatchObject({ kind: "rows", rowCount: 0 });
});

test("an ending that is not the one is reported", async () => {
  const ends = { legacy: { display: { counter: "0", flags: "none", rows: "none" }, breaks: [] } };
  const [one] = await playScenarios([{ ...redeliveryDuringRetry, ends }]);
  expect(one).toMatchObject({ asExpected: false, display: { counter: "1" } });
});

test("a timeline that does not fit is told", async () => {
  const timeline = [{ actor: "worker A", until: "lunch" }];
  const played = playScenarios([{ ...redeliveryDuringRetry, timeline }]);
  await expect(played).rejects.toThrow(UsageError);
  await expect(played).rejects.toThrow(
    /"redelivery-during-retry" does not fit implementation "legacy": "worker A" never came to "lunch"/,
  );
});

test("the command line lists them, and plays one", async () => {
  const [list, one, json] = await Promise.all([
    run("scenario"),
    run("scenario", "redelivery-during-retry", "-i", "legacy"),
    run("scenario", "double-retry", "--json"),
  ]);
  for (const { name, title } of scenarios) expect(list.stdout).toContain(`${name}\n  ${title}\n`);
  expect(list.code).toBe(0);
  expect(one.stdout).toContain("✓ ends as it must: counter 1; flags p1 failed; rows none");
  expect(one.code).toBe(0);
  expect((JSON.parse(json.stdout) as Played[]).map(({ asExpected }) => asExpected)).toEqual(
    Object.keys(scenarios.find(({ name }) => name === "double-retry")!.ends).map(() => true),
  );
});
