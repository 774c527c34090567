import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import type { Log } from "sarif";
import { describe, expect, test } from "vitest";

import { renderComment, renderJobSummary } from "../../src/report/bounded-markdown.js";
import { renderAgent } from "../../src/report/machine/agent.js";
import { renderGitHub, withoutCommands } from "../../src/report/machine/github.js";
import { renderJsonLines } from "../../src/report/machine/json-lines.js";
import { renderJUnit } from "../../src/report/machine/junit.js";
import { renderSarif } from "../../src/report/machine/sarif.js";
import { casesOf } from "../../src/report/cases.js";
import type { Report } from "../../src/report/report.js";
import { foreignTags } from "./checks.js";
import { bank, hostile, nasty, redelivery } from "./fixtures.js";
import { reportOf } from "./reports.js";
import { long, stories, withNastyExplanation } from "./stories.js";
import { mixed } from "./verdict-fixtures.js";

const reports: Readonly<Record<string, Report>> = {
  bank: reportOf({ bank }),
  stories: reportOf(stories),
  hostile: reportOf({ hostile: withNastyExplanation(hostile, nasty) }),
  expected: {
    verdict: { ...mixed, asExpected: true, interrupted: false, implementations: mixed.implementations.slice(0, 1) },
    counterexamples: [],
  },
};

describe.each(Object.entries(reports))("%s", (name, report) => {
  test.each([
    ["junit.xml.txt", renderJUnit],
    ["sarif.txt", renderSarif],
    ["github.txt", renderGitHub],
    ["jsonl.txt", renderJsonLines],
    ["agent.txt", renderAgent],
    ["summary.md", renderJobSummary],
    ["comment.md", renderComment],
  ] as const)("%s", async (extension, render) => {
    await expect(render(report)).toMatchFileSnapshot(`golden/machine/${name}.${extension}`);
  });
});

describe("JUnit", () => {
  const xmllint = spawnSync("xmllint", ["--version"]).status === 0;
  if (!xmllint && process.env["RACEPROOF_BROWSER"] === "required")
    throw new Error("there is no xmllint (libxml2-utils)");

  test.skipIf(!xmllint).each(Object.entries(reports))(
    "%s fits the schema (needs xmllint, of Debian's libxml2-utils)",
    (_, report) => {
      const schema = fileURLToPath(new URL("junit.xsd", import.meta.url));
      const { status, stderr } = spawnSync("xmllint", ["--noout", "--schema", schema, "-"], {
        input: renderJUnit(report),
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([0, "- validates\n"]);
    },
  );

  test("what XML has no place for is left out, and nothing else can end a text", () => {
    const story = {
      ...redelivery,
      violations: [{ invariant: "\u0000\uffff]]><x>\ud800", way: "\u0001", message: '"&<>\u000b' }],
    };
    const xml = renderJUnit(reportOf({ story }));
    // oxlint-disable-next-line no-control-regex -- finding control characters is the point
    expect(xml).not.toMatch(/[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
    expect(xml.match(/<x>|\]\]>/u)).toBeNull();
  });
});

describe("what counts as a failure", () => {
  const row = mixed.implementations[0]!;
  const outcomes = (implementation: typeof row, interrupted = false) =>
    casesOf({
      verdict: {
        ...mixed,
        interrupted,
        asExpected: implementation.asExpected && !interrupted,
        invariants: [
          { name: "counter = failed rows", when: "quiescence" },
          { name: "other", when: "quiescence" },
        ],
        implementations: [implementation],
      },
      counterexamples: [],
    }).map(({ outcome }) => outcome);

  test("what is broken as expected is none", () => {
    expect(outcomes({ ...row, expected: { violates: ["counter = failed rows"] } })).toEqual(["passed", "passed"]);
  });

  test("what was cut short does not look as if all had been well", () => {
    const expected = { violates: ["counter = failed rows"] };
    expect(outcomes({ ...row, expected }, true)).toEqual(["passed", "passed", "error"]);
  });

  test("what is broken, and was to hold", () => {
    expect(outcomes({ ...row, expected: "holds", asExpected: false })).toEqual(["failed", "passed"]);
  });

  test("what holds, and was to be broken: the gate has lost its teeth", () => {
    const expected = { violates: ["counter = failed rows", "other"] };
    expect(outcomes({ ...row, expected, asExpected: false })).toEqual(["passed", "failed"]);
  });

  test("what could not be told is an error", () => {
    expect(outcomes({ ...row, expected: "holds", verdict: "inconclusive", violations: [], asExpected: false })).toEqual(
      ["error", "error"],
    );
  });
});

describe("GitHub", () => {
  test("ten annotations at most, those with a place first, and the last says how many there are", () => {
    const many = Object.fromEntries(
      Array.from({ length: 14 }, (_, i) => [`r${i}`, { ...redelivery, implementation: `i${i}` }]),
    );
    const lines = renderGitHub(reportOf({ ...many, bank }))
      .trimEnd()
      .split("\n");
    expect(lines).toHaveLength(10);
    expect(lines[0]).toContain("file=src/transfer.ts,line=12");
    expect(lines[9]).toBe("::error title=raceproof::and 6 more; the report has them all");
  });

  test("in a log no line is a command, whatever it says", () => {
    const [first, ...rest] = withoutCommands("::error::x\n::stop-commands::y\n  ##[add-path]z").split("\n");
    const word = first!.slice("::stop-commands::".length);
    expect(rest).toEqual(["::error::x", "::stop-commands::y", "  ##[add-path]z", `::${word}::`, ""]);
    expect(withoutCommands("a\n").split("\n")).toHaveLength(4);
    expect(withoutCommands("a\n")).not.toContain(word);
  });

  test("no text begins a command of its own", () => {
    const lines = renderGitHub(reports["hostile"]!).trimEnd().split("\n");
    expect(lines.every((line) => line.startsWith("::error "))).toBe(true);
  });

  test("a summary keeps to its size, and has no markup but ours", () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`r${i}`, { ...redelivery, implementation: `i${i}` }]),
    );
    const summary = renderJobSummary(reportOf(many), 30_000);
    expect(Buffer.byteLength(summary)).toBeLessThan(30_000);
    expect(summary).toMatch(/more counterexamples: see `reports\/r\d+\.json` and those beside it\.\n$/u);
    expect(foreignTags(renderJobSummary(reports["hostile"]!))).toEqual([]);
  });

  test("a comment, too, however much there is to tell, and it says where the rest is", () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`r${i}`, { ...redelivery, implementation: `i${i}` }]),
    );
    const report = reportOf({ ...many, long: long(500) });
    const comment = renderComment(report);
    expect(comment.length).toBeLessThan(65_536);
    expect(comment).toMatch(/\d+ more counterexamples: see `reports\/r\d+\.json` and those beside it\.\n$/u);
    expect(comment).toContain("is in the files of the report.");
    expect(comment).toContain("```sh\nnpx raceproof replay reports/r0.json");
    // What leaves no room for the whole verdict leaves room for the short one.
    const summary = renderJobSummary(report, 80_000);
    expect(Buffer.byteLength(summary)).toBeLessThan(80_000);
    expect(summary).toContain("is in the files of the report.");
    expect(renderJobSummary(report)).not.toContain("is in the files of the report.");
  });

  test("what marks a comment ends nowhere but at its end", () => {
    const { verdict, counterexamples } = reports["bank"]!;
    const comment = renderComment({ verdict: { ...verdict!, model: "--> <b> --!>" }, counterexamples });
    expect(comment.split("\n")[0]).toBe("<!-- raceproof: --&gt; &lt;b&gt; --!&gt; -->");
  });
});

/** Places that the official schema of SARIF 2.1.0 has something against. */
function officialTroubleOf(log: unknown): string[] {
  officialSarif(log);
  return (officialSarif.errors ?? []).map(({ instancePath }) => instancePath);
}

const officialSarif = (() => {
  const { resolve } = createRequire(import.meta.url);
  const folder = path.dirname(resolve("@microsoft/jest-sarif/package.json"));
  const text = readFileSync(path.join(folder, "lib/schemas/sarif-2.1.0-rtm.5.json"), "utf8");
  // It is of draft 4: what it uses of that means the same in later ones, but for its name.
  const { $schema: _, id: __, ...schema } = JSON.parse(text) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, unicodeRegExp: false });
  ajv.addFormat("uri", (uri: string) => URL.canParse(uri));
  ajv.addFormat("uri-reference", (uri: string) => /^[^\s\\<>"{}|^`]*$/u.test(uri) && URL.canParse(uri, "file:///"));
  ajv.addFormat("date-time", (time: string) => !Number.isNaN(Date.parse(time)));
  return ajv.compile(schema);
})();

describe("SARIF", () => {
  test.each(Object.entries(reports))("%s fits the official schema", (_, report) => {
    expect(officialTroubleOf(JSON.parse(renderSarif(report)))).toEqual([]);
  });

  test("the official schema notices what is wrong", () => {
    const log = JSON.parse(renderSarif(reports["bank"]!)) as Log;
    const broken = {
      ...log,
      runs: log.runs.map((run) => ({ ...run, results: [{ ...run.results![0], level: "bad" }] })),
    };
    expect(officialTroubleOf(broken)).toEqual(["/runs/0/results/0/level"]);
  });

  test("no text of a model is taken for a link", () => {
    const story = { ...redelivery, violations: [{ invariant: "i", way: "w", message: "[here](https://example.org)" }] };
    const log = JSON.parse(renderSarif(reportOf({ story }))) as Log;
    expect(log.runs[0]!.results![0]!.message.text).toContain("[here\\](https://example.org)");
  });

  test.each(Object.entries(reports))("%s has what code scanning wants", (_, report) => {
    const log = JSON.parse(renderSarif(report)) as Log;
    expect(log.version).toBe("2.1.0");
    for (const { ruleId, ruleIndex, message, locations, partialFingerprints } of log.runs[0]!.results!) {
      expect(log.runs[0]!.tool.driver.rules![ruleIndex!]!.id).toBe(ruleId);
      expect(message.text).not.toBe("");
      expect(Object.values(partialFingerprints!)[0]).toMatch(/^[0-9a-f]{32}$/u);
      for (const { physicalLocation } of locations!) {
        expect(physicalLocation!.artifactLocation!.uri).toMatch(/^[^/][\w%./()'!~*-]*$/u);
        expect(physicalLocation!.region!.startLine).toBeGreaterThan(0);
      }
    }
  });

  test("the decisive statement, and a flow for each actor", () => {
    const log = JSON.parse(renderSarif(reports["bank"]!)) as Log;
    const [result] = log.runs[0]!.results!;
    expect(result!.locations![0]!.physicalLocation).toEqual({
      artifactLocation: { uri: "src/transfer.ts" },
      region: { startLine: 12 },
    });
    expect(
      result!.codeFlows![0]!.threadFlows.map(({ id, locations }) => [
        id,
        locations.map(({ executionOrder }) => executionOrder),
      ]),
    ).toEqual([
      ["alice", [1, 5, 6]],
      ["bob", [2, 3, 4]],
    ]);
  });
});
