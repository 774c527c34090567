import type { VerdictFile } from "../explore/verdict.js";
import { beside, gap, paragraph, ruled, titled } from "./cells.js";
import type { Cell } from "./cells.js";
import { claimLines, matrixLines } from "./matrix-terminal.js";
import { paint } from "./paint.js";
import type { Ink, Painted } from "./paint.js";
import { narrowest } from "./terminal.js";
import type { TerminalOptions } from "./terminal.js";
import { summaryOf } from "./verdict-summary.js";
import type { ImplementationSummary, RememberedSummary, VerdictSummary, ViolationSummary } from "./verdict-summary.js";
import { count } from "./text.js";
import { displayWidth, wrap } from "./width.js";

/**
 * The verdict for a terminal, at most `width` columns wide (but not below 32, and file names are never broken): a table
 * with a row for each implementation, then what each one rests on.
 */
export function renderVerdictTerminal(verdict: VerdictFile, { color, width }: TerminalOptions): string {
  const summary = summaryOf(verdict);
  const room = Math.max(narrowest, width);
  const lines = [
    ...paragraph(words(summary.model, "heading"), 3, room),
    ...paragraph(
      summary.environment.flatMap((text, index) => words(index === 0 ? text : `· ${text}`, "muted")),
      3,
      room,
    ),
    [],
    ...tableOf(summary, room),
    ...allDetails(summary, room),
    ...(summary.remembered.length === 0
      ? []
      : [[], ...summary.remembered.flatMap((each) => rememberedLines(each, room))]),
    ...(summary.matrix === null ? [] : matrixLines(summary.matrix, room)),
    ...(summary.claims.length === 0 ? [] : [[], ...claimLines(summary.claims, room)]),
    [],
    ...(summary.shard === null ? [] : paragraph(words(summary.shard, "muted"), 3, room)),
    ...(summary.interrupted === null ? [] : paragraph(words(summary.interrupted, "bad"), 3, room)),
    ...paragraph(
      [[mark(summary.asExpected), { text: summary.conclusion, role: summary.asExpected ? "good" : "bad" }]],
      1,
      room,
    ),
  ];
  return lines.map((line) => `${paint(line, color)}\n`).join("");
}

/** Of more rows than this, only those are told in detail that are not as expected. */
const mostInDetail = 8;

function allDetails({ implementations }: VerdictSummary, room: number): Painted[][] {
  const isLong = implementations.length > mostInDetail;
  const told = implementations.filter(({ asExpected }) => !isLong || !asExpected);
  const others = implementations.length - told.length;
  const rest = `What ${count(others, "row")} as expected ${others === 1 ? "rests" : "rest"} on, and what breaks them, is in the report's page and its Markdown.`;
  return [
    ...told.flatMap((implementation) => [[], ...detailsOf(implementation, room)]),
    ...(others === 0 ? [] : [[], ...paragraph(words(rest, "muted"), 3, room)]),
  ];
}

const heads = ["implementation", "expected", "verdict", "claim"];

/** Invariants that are named where all is as expected; the matrix has them all. */
const mostNamed = 3;

function expectedText({ expected, expectedToBreak, asExpected }: ImplementationSummary): string {
  return asExpected && expectedToBreak > mostNamed ? `violates ${expectedToBreak} invariants` : expected;
}

function tableOf({ implementations }: VerdictSummary, room: number): Painted[][] {
  const texts = implementations.map((each) => [titleOf(each), expectedText(each), each.verdict, each.claim]);
  const widths = widthsOf([heads, ...texts], room - 1);
  const rows = implementations.map((implementation, index) => {
    const roles: readonly Ink[] = ["heading", "plain", verdictInk(implementation), "plain"];
    const cells = widths.map((width, column): Cell => ({
      width,
      lines: wrap([[{ text: texts[index]?.[column] ?? "", role: roles[column] ?? "plain" }]], width),
    }));
    return beside([{ width: 1, lines: [[mark(implementation.asExpected)]] }, ...cells]);
  });
  return [
    beside([{ width: 1, lines: [] }, ...widths.map((width, column) => titled(heads[column] ?? "", width))]),
    beside([{ width: 1, lines: [] }, ...widths.map((width) => ruled(width))]),
    ...rows,
  ]
    .flat()
    .map((line) => [{ text: " ", role: "plain" }, ...line]);
}

/** Names and verdicts get what they need, up to a third or a quarter of the room; the claim gets the rest. */
function widthsOf(rows: readonly (readonly string[])[], room: number): number[] {
  const most = (part: number) => Math.floor((room - 1 - 4 * gap) / part);
  const [name = 0, expected = 0, verdict = 0, claim = 0] = heads.map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ""))),
  );
  const fixed = [Math.min(name, most(3)), Math.min(expected, most(4)), Math.min(verdict, most(4))];
  const rest = room - 1 - 4 * gap - fixed.reduce((sum, width) => sum + width, 0);
  return [...fixed, Math.max(5, Math.min(claim, rest))];
}

/** The implementation, and under what it was checked where that is not the same for all. */
function titleOf({ name, condition }: ImplementationSummary): string {
  return condition === "" ? name : `${name}, ${condition}`;
}

function detailsOf(implementation: ImplementationSummary, room: number): Painted[][] {
  const { violations, coverage, never, problems } = implementation;
  const bad: Ink = implementation.asExpected ? "plain" : "bad";
  return [
    ...paragraph(words(titleOf(implementation), "heading"), 3, room),
    ...violations.flatMap((violation) => violationLines(violation, bad, room)),
    ...problems.flatMap((text) => paragraph(words(`! ${text}`, "bad"), 3, room)),
    ...coverage.flatMap((text) => paragraph(words(`· ${text}`, "muted"), 3, room)),
    ...never.flatMap((text) => paragraph(words(`! ${text}`, "changed"), 3, room)),
  ];
}

function violationLines(
  { signature, messages, size, seen, file }: ViolationSummary,
  role: Ink,
  room: number,
): Painted[][] {
  return [
    ...paragraph(words(`• ${signature}`, role), 3, room),
    ...messages.flatMap((text) => paragraph(words(text, "plain"), 5, room)),
    ...paragraph([...words(`${size};`, "plain"), ...words(seen, "plain")], 5, room),
    // Whole, however narrow the terminal: it is there to be copied.
    ...(file === null ? [] : [[{ text: `     ${file}`, role: "command" as const }]]),
  ];
}

const rememberedMarks: Readonly<Record<RememberedSummary["state"], Painted>> = {
  breaks: { text: "✗ ", role: "bad" },
  fixed: { text: "✓ ", role: "good" },
  diverged: { text: "! ", role: "changed" },
};

function rememberedLines({ state, text, file }: RememberedSummary, room: number): Painted[][] {
  const sign = rememberedMarks[state];
  return [...paragraph([[sign, { text, role: "plain" }]], 1, room), [{ text: `     ${file}`, role: "command" }]];
}

function mark(asExpected: boolean): Painted {
  return asExpected ? { text: "✓ ", role: "good" } : { text: "✗ ", role: "bad" };
}

function verdictInk({ verdict, asExpected }: ImplementationSummary): Ink {
  if (!asExpected) return "bad";
  return verdict === "holds" ? "good" : "plain";
}

function words(text: string, role: Ink): Painted[][] {
  return [[{ text, role }]];
}
