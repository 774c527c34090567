import type { VerdictFile } from "../explore/verdict.js";
import { bold, inline, tableHead, tableRow } from "./markdown-text.js";
import { matrixSummaryOf, type CellSummary } from "./matrix-summary.js";
import { summaryOf } from "./verdict-summary.js";

/** The verdict as Markdown where there is little room: what it is, and which invariant holds where. */
export function renderVerdictBrief(verdict: VerdictFile): string {
  const { model, asExpected, conclusion, interrupted, shard, implementations, environment } = summaryOf(verdict);
  const matrix = matrixSummaryOf(verdict, { always: true });
  const sections = [
    [`### ${asExpected ? "✓" : "✗"} ${inline(model)}`],
    [bold(inline(conclusion)), ...[interrupted, shard].flatMap((text) => (text === null ? [] : [inline(text)]))],
    ...(matrix === null
      ? []
      : [
          [
            ...tableHead([" ", "implementation", "verdict", ...matrix.invariants.map((_, at) => String(at + 1))]),
            ...matrix.rows.map(({ implementation, condition, cells }, at) => {
              const row = implementations[at]!;
              const shown = row.asExpected ? row.verdict : bold(row.verdict);
              return tableRow([
                row.asExpected ? "✓" : "✗",
                inline(`${implementation}, ${condition}`),
                shown,
                ...cells.map(cellText),
              ]);
            }),
          ],
          [
            "✓ holds, as far as it was looked; ? could not be told; else operations·faults·switches of the smallest counterexample, ~ for a moment only:",
          ],
          matrix.invariants.map((name, at) => `${at + 1}. ${inline(name)}`),
        ]),
    [inline(environment.join("; ")) + "."],
  ];
  return `${sections.map((section) => section.join("\n")).join("\n\n")}\n`;
}

function cellText({ verdict, size }: CellSummary): string {
  if (verdict === "violates") return bold(inline(size));
  return verdict === "holds" ? "✓" : "?";
}
