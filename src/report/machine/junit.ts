import { casesOf, type Case } from "../cases.js";
import type { Report } from "../report.js";
import { renderCounterexampleTerminal } from "../terminal.js";
import { count, visible } from "../text.js";

/** Longest text of a failure, in characters: some servers cut files that are larger than they like. */
const longest = 60_000;

/**
 * The verdict as JUnit XML, as Jenkins, GitLab and others read it: a suite for each implementation and condition, a case for
 * each invariant. What is broken as expected passes; the timeline stands in the text of what fails.
 */
export function renderJUnit(report: Report): string {
  const cases = casesOf(report);
  const model = report.verdict?.model ?? "raceproof";
  const names = [...new Set(cases.map(suiteOf))];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${attribute(`raceproof: ${model}`)}"${totals(cases)}>`,
    ...names.flatMap((name) => {
      const own = cases.filter((each) => suiteOf(each) === name);
      return [
        `  <testsuite name="${attribute(`${model}: ${name}`)}"${totals(own)}>`,
        ...own.flatMap((each) => caseLines(each, model)),
        "  </testsuite>",
      ];
    }),
    "</testsuites>",
    "",
  ].join("\n");
}

function suiteOf({ implementation, condition }: Case): string {
  return `${implementation}, ${condition}`;
}

function totals(cases: readonly Case[]): string {
  const number = (outcome: Case["outcome"]) => cases.filter((each) => each.outcome === outcome).length;
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  return ` tests="${cases.length}" failures="${number("failed")}" errors="${number("error")}" time="${seconds.toFixed(3)}"`;
}

function caseLines(
  { implementation, condition, invariant, outcome, message, told, seconds }: Case,
  model: string,
): string[] {
  const head = `    <testcase classname="${attribute(`${model}.${implementation}.${condition}`)}" name="${attribute(invariant)}" time="${seconds.toFixed(3)}"`;
  if (outcome === "passed") return [`${head}>`, `      <system-out>${text(message)}</system-out>`, "    </testcase>"];
  const tag = outcome === "failed" ? "failure" : "error";
  const type = outcome === "failed" ? "violation" : "inconclusive";
  const timeline =
    told === undefined
      ? message
      : renderCounterexampleTerminal(told.counterexample, {
          color: false,
          width: 100,
          replayCommand: told.replayCommand,
        });
  return [
    `${head}>`,
    `      <${tag} type="${type}" message="${attribute(message)}">${text(shortened(timeline))}</${tag}>`,
    "    </testcase>",
  ];
}

function shortened(timeline: string): string {
  if (timeline.length <= longest) return timeline;
  return `${timeline.slice(0, longest)}\n… ${count(timeline.length - longest, "character")} more in the counterexample's file\n`;
}

/** What XML 1.0 has no place for, not even as a reference. */
// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const forbidden = /[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function text(content: string): string {
  return content
    .split("\n")
    .map((line) => visible(line))
    .join("\n")
    .replace(forbidden, "")
    .replace(/[&<>"]/gu, (character) => entities[character]!);
}

function attribute(content: string): string {
  return text(visible(content));
}
