import type { Log } from "sarif";
import { describe, expect, test } from "vitest";

import { renderComment, renderJobSummary } from "../../src/report/bounded-markdown.js";
import { renderHtml } from "../../src/report/html/page.js";
import { renderAgent } from "../../src/report/machine/agent.js";
import { renderGitHub } from "../../src/report/machine/github.js";
import { renderJsonLines } from "../../src/report/machine/json-lines.js";
import { renderJUnit } from "../../src/report/machine/junit.js";
import { renderSarif } from "../../src/report/machine/sarif.js";
import { renderCounterexampleMarkdown } from "../../src/report/markdown.js";
import { renderReportTerminal } from "../../src/report/report-terminal.js";
import { renderVerdictMarkdown } from "../../src/report/verdict-markdown.js";
import type { Report } from "../../src/report/report.js";
import { bordersOf, foreignTags } from "./checks.js";
import { counterexamples } from "./fixtures.js";
import { reportOf } from "./reports.js";
import { stories } from "./stories.js";

// One string in every place of a report that text of a user, a driver or a database can get to: whatever it is, each format
// says what it says of harmless text.

const attacks: Readonly<Record<string, string>> = {
  "what a terminal acts on": "\u001b[2J\u001b]0;owned\u0007\u009b31m\u0008\u007f\r",
  "what turns text round or hides it": "\u202egnp.exe\u202c\u2066\u200b\ufeff\u{e0041}",
  "what XML has no place for": "\u0000\u0001\ufffe\uffff\ud800 ]]> <!-- --> <?xml?>",
  "what ends a script": `</script><script>alert(1)</script></style><img src=x onerror=alert(1)>"'\``,
  "what Markdown acts on":
    "`|`` ![i](http://x/y) [l](javascript:z) <b>| \\| **x** ~~y~~ https://x.y @user #1\n| a | b |\n# h",
  "what GitHub's runners act on": "\n::error::x\n::stop-commands::x\n##[add-path]/x\n%0A::set-output name=x::y,z:1%",
  "what Mermaid acts on": '; end # %% x\nparticipant y->>z: <br/> "a"',
  "what SARIF acts on": "[here](https://example.org) {0} [x](1)",
};

/** Keys whose text is one of a few words of ours. */
const ours = new Set(
  "schema kind condition transaction command fault verdict when type state until strategy expected".split(" "),
);
/** Keys below which keys are a user's, too. */
const open = new Set("rows display displayBefore committed sessions initial parameters settings overlaps".split(" "));

/** The report with that text in place of every other; what was the same stays the same. */
function attacked(report: Report, attack: string): Report {
  const known = new Map<string, string>();
  const replaced = (text: string): string => {
    if (!known.has(text)) known.set(text, `${attack} ${known.size}`);
    return known.get(text)!;
  };
  const walk = (value: unknown, key: string, free: boolean): unknown => {
    if (typeof value === "string") return ours.has(key) && !free ? value : replaced(value);
    if (Array.isArray(value)) return value.map((each) => walk(each, key, free));
    if (typeof value !== "object" || value === null) return value;
    const inside = free || open.has(key);
    const entries = Object.entries(value).map(([name, each]) => [
      inside ? replaced(name) : name,
      walk(each, name, inside),
    ]);
    return Object.fromEntries(entries) as unknown;
  };
  return walk(report, "", false) as Report;
}

const { bank, lockWait, yieldPoints } = counterexamples;
const report = reportOf({ bank, lockWait, yieldPoints, ...stories });

const acted =
  // oxlint-disable-next-line no-control-regex -- finding control characters is the point
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

/** Lines with something in them that whatever shows them would act on. */
function actedOn(text: string): string[] {
  return text.split("\n").filter((line) => acted.test(line));
}

/** Tags of a page or an XML file, in order. */
function tagsOf(markup: string): string[] {
  return markup.match(/<[/!?a-z][^\s>]*/giu) ?? [];
}

describe.each(Object.entries(attacks))("%s, in every field", (_, attack) => {
  const hostile = attacked(report, attack);
  const harmless = attacked(report, "harmless");

  test("is text on a terminal and for an agent", () => {
    expect(actedOn(renderReportTerminal(hostile, { color: false, width: 100 }))).toEqual([]);
    const lines = renderAgent(hostile).trimEnd().split("\n");
    expect(lines.filter((line) => acted.test(line) || !/^(?:raceproof|FAIL|and \d| {2}[\w…])/u.test(line))).toEqual([]);
  });

  test("is text in Markdown", () => {
    const [told] = hostile.counterexamples;
    const { counterexample, replayCommand } = told!;
    const pages = [
      renderVerdictMarkdown(hostile.verdict!),
      renderJobSummary(hostile),
      renderComment(hostile).replace(/^<!--.*-->\n/u, ""),
      renderCounterexampleMarkdown(counterexample, { replayCommand }),
    ];
    for (const page of pages) {
      expect(actedOn(page)).toEqual([]);
      expect(foreignTags(page)).toEqual([]);
      for (const table of bordersOf(page)) expect(new Set(table).size).toBe(1);
      const prose = page.replace(/^(`{3,})[\s\S]*?^\1$/gmu, "").replace(/`[^`\n]*`/gu, "");
      expect(prose).not.toMatch(/(?<!\\)\]\(/u);
      expect(
        prose.match(/^#+ .*$/gmu)?.every((line) => /^#+ (?:[✓✗] |Claims|Which|harmless|.*\d$|fixed)/u.test(line)) ??
          true,
      ).toBe(true);
    }
  });

  test("is text in a page and in JUnit XML: the elements are those of harmless text", () => {
    const known = new Set(tagsOf(renderHtml(harmless)));
    expect(tagsOf(renderHtml(hostile)).filter((tag) => !known.has(tag))).toEqual([]);
    const xml = renderJUnit(hostile);
    expect(tagsOf(xml)).toEqual(tagsOf(renderJUnit(harmless)));
    // oxlint-disable-next-line no-control-regex -- finding control characters is the point
    expect(xml).not.toMatch(/[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
  });

  test("is one annotation for GitHub, with the properties of harmless text", () => {
    const commands = renderGitHub(hostile).trimEnd().split("\n");
    expect(commands.filter((line) => !/^::error (?:file=[^,:]*,line=\d+,)?title=[^,:]*::/u.test(line))).toEqual([]);
    expect(commands).toHaveLength(renderGitHub(harmless).trimEnd().split("\n").length);
    expect(commands.join("")).not.toMatch(acted);
  });

  test("is text in SARIF and JSON lines", () => {
    const log = JSON.parse(renderSarif(hostile)) as Log;
    for (const { message } of log.runs[0]!.results!) expect(message.text).not.toMatch(/(?<!\\)\]\((?!\d+\))/u);
    for (const line of renderJsonLines(hostile).trimEnd().split("\n")) {
      expect(line).not.toMatch(acted);
      expect(JSON.parse(line)).toHaveProperty("type");
    }
  });
});
