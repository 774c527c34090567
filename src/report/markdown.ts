import type { Counterexample } from "../shrink/counterexample.js";
import { legendOf } from "./legend.js";
import type { Line, Span } from "./lines.js";
import { bold, code, fenced, inline, tableHead, tableRow } from "./markdown-text.js";
import { breaksText, timelineOf } from "./timeline.js";
import type { Row, StateCell, Timeline } from "./timeline.js";
import { sentenceText } from "./why.js";

/**
 * The counterexample as GitHub Flavored Markdown, for a pull request: the initial state, who runs what, the timeline as a
 * table, the broken invariants, and how to replay it. Whatever stands in SQL or errors, it stays within its cell.
 */
export function renderCounterexampleMarkdown(
  counterexample: Counterexample,
  { replayCommand }: { readonly replayCommand: string },
): string {
  const timeline = timelineOf(counterexample);
  const { size, shrunk, confirmed, environment } = timeline;
  const sections = [
    [`### ✗ ${inline(timeline.model)}, ${inline(timeline.implementation)} ${breaksText(timeline.violations)}`],
    beginningOf(timeline),
    tableOf(timeline),
    violationsOf(timeline),
    whyOf(timeline),
    [inline([size, ...(shrunk === null ? [] : [shrunk]), confirmed.text].join("; ")) + "."],
    [inline(environment) + "."],
    ["Replay it:"],
    fenced(replayCommand, "sh"),
  ];
  return `${sections
    .filter((section) => section.length > 0)
    .map((section) => section.join("\n"))
    .join("\n\n")}\n`;
}

/** The initial state and the program. */
function beginningOf({ initial, program }: Timeline): string[] {
  const actors = program.map(
    ({ actor, operations }) =>
      `- ${bold(inline(actor))} runs ${operations.map((call) => code(call)).join(", then ") || "nothing"}`,
  );
  return [...(initial === null ? [] : [`- Starts from ${code(initial)}`]), ...actors];
}

function tableOf(timeline: Timeline): string[] {
  const { actors, display, rows } = timeline;
  const legend = legendOf(timeline, { brackets: false });
  return [
    ...tableHead([" ", ...actors.map((name) => inline(name)), ...display.map((name) => inline(name))], 1),
    ...rows.map((row) => tableRow(cellsOf(row, timeline))),
    ...(legend.length === 0 ? [] : ["", inline(legend.join(", ")) + "."]),
  ];
}

function cellsOf(row: Row, { actors, display }: Timeline): string[] {
  return [
    `${row.switched ? "⇄ " : ""}${row.kind === "completed" ? "…" : ""}${row.number}`,
    ...actors.map((_, actor) => (actor === row.actor ? row.lines.map((line) => lineText(line)).join("<br>") : "")),
    ...display.map((_, column) => stateText(row.state?.[column])),
  ];
}

/** Neighbouring spans of code become one piece of code. */
function lineText({ chunks }: Line): string {
  const pieces: { kind: Type; text: string }[] = [];
  for (const [index, chunk] of chunks.entries()) {
    for (const [position, span] of chunk.entries()) {
      const kind = typeOf(span);
      const text = index > 0 && position === 0 ? ` ${span.text}` : span.text;
      const last = pieces.at(-1);
      if (last?.kind === kind) last.text += text;
      else pieces.push({ kind, text });
    }
  }
  return pieces.map(({ kind, text }) => typeset[kind](text.trim())).join(" ");
}

const typeset = { code, bold: (text: string) => bold(inline(text)), text: inline };

type Type = keyof typeof typeset;

function typeOf({ role }: Span): Type {
  if (role === "miss" || role === "error" || role === "stale") return "bold";
  return role === "sql" || role === "verb" || role === "parameter" || role === "wait" ? "code" : "text";
}

function stateText(cell: StateCell | undefined): string {
  if (cell === undefined) return "";
  return cell.lines
    .map((line, index) => (cell.changed ? bold(`${index === 0 ? "→ " : ""}${inline(line)}`) : inline(line)))
    .join("<br>");
}

/** The reasons, and what shows that it happened. */
function whyOf({ why }: Timeline): string[] {
  const told = [...why.stale, ...(why.swap === null ? [] : [why.swap])].map(
    (sentence) => `- ${bold(inline(sentenceText(sentence)))}`,
  );
  return [...told, ...why.proof.map((sentence) => `- ${inline(sentenceText(sentence))}`)];
}

function violationsOf({ violations, finalState }: Timeline): string[] {
  return [
    ...violations.map(
      ({ invariant, way, message }) => `- ✗ ${bold(inline(invariant))} (${inline(way)}): ${inline(message)}`,
    ),
    ...finalState.map((text) => `- At the end: ${code(text)}`),
  ];
}
