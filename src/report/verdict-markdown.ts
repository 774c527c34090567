import type { VerdictFile } from "../explore/verdict.js";
import { bold, code, inline, tableHead, tableRow } from "./markdown-text.js";
import { summaryOf } from "./verdict-summary.js";
import type { ImplementationSummary, VerdictSummary, ViolationSummary } from "./verdict-summary.js";

/** The verdict as GitHub Flavored Markdown, for the summary of a CI job. */
export function renderVerdictMarkdown(verdict: VerdictFile): string {
  const summary = summaryOf(verdict);
  const { asExpected, conclusion, interrupted, environment, implementations } = summary;
  const sections = [
    [`### ${asExpected ? "✓" : "✗"} ${inline(summary.model)}`],
    [bold(inline(conclusion)), ...(interrupted === null ? [] : [inline(interrupted)])],
    tableOf(summary),
    ...implementations.map(detailsOf),
    [inline(environment.join("; ")) + "."],
  ];
  return `${sections.map((section) => section.join("\n")).join("\n\n")}\n`;
}

function tableOf({ implementations }: VerdictSummary): string[] {
  return [
    ...tableHead([" ", "implementation", "expected", "verdict", "claim", "violations"]),
    ...implementations.map(({ asExpected, name, expected, verdict, claim, violations }) =>
      tableRow([
        asExpected ? "✓" : "✗",
        inline(name),
        inline(expected),
        asExpected ? verdict : bold(verdict),
        inline(claim),
        violations.map(({ signature, size }) => `${inline(signature)} (${size})`).join("<br>"),
      ]),
    ),
  ];
}

function detailsOf({ name, violations, coverage, never, problems }: ImplementationSummary): string[] {
  return [
    `#### ${inline(name)}`,
    "",
    ...violations.flatMap(violationLines),
    ...problems.map((text) => `- **!** ${inline(text)}`),
    ...coverage.map((text) => `- ${inline(text)}`),
    ...never.map((text) => `- **!** ${inline(text)}`),
  ];
}

function violationLines({ signature, messages, size, seen, file }: ViolationSummary): string[] {
  return [
    `- ${bold(inline(signature))}: ${size}; ${seen}${file === null ? "" : `; ${code(file)}`}`,
    ...messages.map((text) => `  - ${inline(text)}`),
  ];
}
