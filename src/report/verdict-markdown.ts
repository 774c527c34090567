import type { VerdictFile } from "../explore/verdict.js";
import type { CellSummary, MatrixSummary } from "./matrix-summary.js";
import { bold, code, inline, tableHead, tableRow } from "./markdown-text.js";
import { summaryOf } from "./verdict-summary.js";
import type { ImplementationSummary, VerdictSummary, ViolationSummary } from "./verdict-summary.js";

/** The verdict as GitHub Flavored Markdown, for the summary of a CI job. */
export function renderVerdictMarkdown(verdict: VerdictFile): string {
  const summary = summaryOf(verdict);
  const { asExpected, conclusion, interrupted, environment, implementations } = summary;
  const sections = [
    [`### ${asExpected ? "✓" : "✗"} ${inline(summary.model)}`],
    [
      bold(inline(conclusion)),
      ...(interrupted === null ? [] : [inline(interrupted)]),
      ...(summary.shard === null ? [] : [inline(summary.shard)]),
    ],
    tableOf(summary),
    ...(summary.remembered.length === 0
      ? []
      : [summary.remembered.map(({ text, file }) => `- ${inline(text)}: ${code(file)}`)]),
    ...(summary.matrix === null ? [] : matrixOf(summary.matrix)),
    ...(summary.claims.length === 0 ? [] : [["#### Claims"], claimsOf(summary.claims)]),
    ...implementations.map(detailsOf),
    [inline(environment.join("; ")) + "."],
  ];
  return `${sections.map((section) => section.join("\n")).join("\n\n")}\n`;
}

function tableOf({ implementations }: VerdictSummary): string[] {
  return [
    ...tableHead([" ", "implementation", "expected", "verdict", "claim", "violations"]),
    ...implementations.map(({ asExpected, name, condition, expected, verdict, claim, violations }) =>
      tableRow([
        asExpected ? "✓" : "✗",
        inline(condition === "" ? name : `${name}, ${condition}`),
        inline(expected),
        asExpected ? verdict : bold(verdict),
        inline(claim),
        violations.map(({ signature, size }) => `${inline(signature)} (${size})`).join("<br>"),
      ]),
    ),
  ];
}

/** Invariants down, as there are more of them than fit across; a column for each implementation and condition. */
function matrixOf({ invariants, rows }: MatrixSummary): string[][] {
  const conditions = [...new Set(rows.map(({ condition }) => condition))];
  return conditions.flatMap((condition) => {
    const columns = rows.filter((row) => row.condition === condition);
    return [
      [`#### Which invariant holds where: ${inline(condition)}`],
      [
        ...tableHead(["invariant", ...columns.map(({ implementation }) => inline(implementation))]),
        ...invariants.map((name, at) => tableRow([inline(name), ...columns.map(({ cells }) => cellText(cells[at]!))])),
        tableRow(["*rests on*", ...columns.map(({ claim }) => inline(claim))]),
      ],
    ];
  });
}

function cellText({ verdict, text, file }: CellSummary): string {
  const shown = verdict === "violates" ? bold(inline(text)) : inline(text);
  return file === null ? shown : `${shown}<br>${code(file)}`;
}

function claimsOf(claims: VerdictSummary["claims"]): string[] {
  const words = { holds: "not refuted", violates: "**false**", inconclusive: "could not be told" };
  return [
    ...tableHead(["claim", "where", "of", "verdict", "because"]),
    ...claims.map(({ topic, where, implementations, verdict, text }) =>
      tableRow([`“${inline(topic)}”`, inline(where), inline(implementations), words[verdict], inline(text)]),
    ),
  ];
}

function detailsOf({ name, condition, violations, coverage, never, problems }: ImplementationSummary): string[] {
  return [
    `#### ${inline(condition === "" ? name : `${name}, ${condition}`)}`,
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
