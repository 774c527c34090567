import path from "node:path";
import { expect, test } from "vitest";
import { exportsOf, markdownOf, type Exported } from "./api.js";
import { root } from "./pages.js";

/** Which names of `raceproof` belong together, and in which order to read them. */
const sections: Readonly<Record<string, readonly string[]>> = {
  "Race tests": [
    "assertNoRace",
    "Race",
    "RaceOptions",
    "FullFormOptions",
    "RaceResult",
    "RaceError",
    "Act",
    "ActContext",
    "Look",
    "LookContext",
    "Result",
    "Results",
    "yieldPoint",
    "gatePg",
  ],
  Models: [
    "defineModel",
    "Model",
    "Implementation",
    "Expectation",
    "Broken",
    "Condition",
    "Operation",
    "OperationContext",
    "Invariant",
    "InvariantContext",
    "Reference",
    "Call",
    "Claim",
    "EmptyDatabase",
    "Rows",
    "State",
    "fc",
    "modelOfCommands",
    "CommandRace",
    "CommandWorld",
  ],
  Programs: ["Program", "Actor", "OperationCall", "Fault", "FaultKind", "Schedule", "Switch", "Json"],
  "Checking and replaying": [
    "check",
    "CheckOptions",
    "CheckProgress",
    "CheckResult",
    "Shard",
    "merge",
    "ShardResult",
    "recallAll",
    "RecallOptions",
    "Remembered",
    "replayCounterexample",
    "ReplayOptions",
    "ReplayResult",
  ],
  Timelines: ["playTimeline", "playScenarios", "PlayOptions", "Played", "Scenario", "Timeline", "Leg", "Ending"],
  Results: [
    "Verdict",
    "ImplementationVerdict",
    "ViolationReport",
    "RememberedReport",
    "Coverage",
    "Metrics",
    "ShardRecord",
    "ShardFindings",
    "FailureRecord",
    "VerdictFile",
    "Counterexample",
    "Explanation",
    "Trace",
    "Step",
    "Wait",
    "Outcome",
    "Thrown",
    "OperationRecord",
    "OperationResult",
    "CallRecord",
  ],
  Reports: [
    "readCounterexample",
    "writeCounterexample",
    "renderCounterexampleTerminal",
    "renderCounterexampleMarkdown",
    "renderVerdictTerminal",
    "renderVerdictMarkdown",
    "renderHtml",
    "Report",
    "Told",
  ],
  "Configuration and errors": ["defineConfig", "Config", "RaceproofError", "UsageError", "PostgresError"],
};

test("the API reference is what the docstrings say", { timeout: 60_000 }, async () => {
  const [main, vitest] = exportsOf(["src/index", "src/testing/vitest"]) as [Exported[], Exported[]];
  // A new name belongs into a section.
  expect(Object.values(sections).flat().toSorted()).toEqual(main.map(({ name }) => name).toSorted());
  const undocumented = [...main, ...vitest].filter(({ doc, code }) => doc === "" && code !== "");
  expect(undocumented.map(({ name }) => name)).toEqual([]);

  const byName = new Map(main.map((each) => [each.name, each]));
  const own = vitest.filter(({ name }) => !byName.has(name));
  const page = [
    "# API",
    `Made from the docstrings of the sources by [a test](../test/docs/api.test.ts). How things go together: [race tests](race-tests.md),\n[models](models.md), [reports](reports.md).`,
    ...Object.entries(sections).flatMap(([title, names]) => [
      `## ${title}`,
      "From `raceproof`.",
      ...names.map((name) => entry(byName.get(name)!)),
    ]),
    "## raceproof/vitest",
    `${own.map(({ name }) => `\`${name}\``).join(", ")}; and the types of race tests that \`raceproof\` has, too.`,
    ...own.map(entry),
    "## raceproof/register",
    'Exports nothing. `import "raceproof/register"`, or `node --import raceproof/register`, gates every copy of `pg` that is loaded from then on, and those that were before. Race tests and the command line do so by themselves.',
    "## raceproof/models/NAME, raceproof/schemas/NAME",
    "The default export of the first is a [model that ships](models.md#models-that-ship), as `raceproof/models/lost-update`; the second are the JSON Schemas `verdict-1.json` and `counterexample-1.json`.",
  ].join("\n\n");
  await expect(`${page}\n`).toMatchFileSnapshot(path.join(root, "docs/api.md"));
});

function entry({ name, doc, code }: Exported): string {
  const block = code === "" ? "" : `\`\`\`ts\n${code}\n\`\`\``;
  return [`### ${name}`, markdownOf(doc), block].filter(Boolean).join("\n\n");
}
