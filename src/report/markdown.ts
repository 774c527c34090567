import type { Counterexample } from "../shrink/counterexample.js";
import { folded } from "./fold.js";
import { legendOf } from "./legend.js";
import { foldMark } from "./lines.js";
import { mermaidOf } from "./mermaid.js";
import type { Line, Span } from "./lines.js";
import { bold, code, fenced, inline, tableHead, tableRow } from "./markdown-text.js";
import { count } from "./text.js";
import { breaksText, timelineOf } from "./timeline.js";
import type { Row, StateCell, Timeline } from "./timeline.js";
import { reasonsOf, sentenceText } from "./why.js";

/**
 * The counterexample as GitHub Flavored Markdown, for a pull request: the initial state, who runs what, the timeline as a
 * table, the broken invariants, and how to replay it. Whatever stands in SQL or errors, it stays within its cell.
 */
export function renderCounterexampleMarkdown(
  counterexample: Counterexample,
  { replayCommand, allSteps = false }: { readonly replayCommand: string; readonly allSteps?: boolean },
): string {
  const whole = timelineOf(counterexample);
  const timeline = allSteps ? whole : folded(whole);
  const { size, shrunk, confirmed, environment } = timeline;
  const sections = [
    [`### ✗ ${inline(timeline.model)}, ${inline(timeline.implementation)} ${breaksText(timeline.violations)}`],
    beginningOf(timeline),
    tableOf(timeline, allSteps ? Infinity : mostRows),
    violationsOf(timeline),
    whyOf(timeline),
    diagramOf(counterexample),
    [inline([size, ...(shrunk === null ? [] : [shrunk]), confirmed.text].join("; ")) + "."],
    [inline(environment) + "."],
    ["Replay it:"],
    fenced([replayCommand], "sh"),
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

function tableOf(timeline: Timeline, most: number): string[] {
  const { actors, display, rows } = timeline;
  const legend = legendOf(timeline, { brackets: false });
  return [
    ...tableHead([" ", ...actors.map((name) => inline(name)), ...display.map((name) => inline(name))], 1),
    ...boundedRows(
      rows.map((row) => tableRow(cellsOf(row, timeline))),
      { most, columns: actors.length + display.length },
    ),
    ...(legend.length === 0 ? [] : ["", inline(legend.join(", ")) + "."]),
  ];
}

/** Rows of the table that a page shows; the file has them all. */
const mostRows = 120;

/** All of them, or those of the beginning and of the end. */
function boundedRows(rows: readonly string[], { most, columns }: { most: number; columns: number }): string[] {
  if (rows.length <= most) return [...rows];
  const left = `${count(rows.length - most, "row")} more, in the file`;
  const gap = tableRow(["…", left, ...Array.from({ length: columns - 1 }, () => "")]);
  return [...rows.slice(0, most / 2), gap, ...rows.slice(-most / 2)];
}

function cellsOf(row: Row, { actors, display }: Timeline): string[] {
  return [
    row.kind === "folded" ? foldMark : `${row.switched ? "⇄ " : ""}${row.kind === "completed" ? "…" : ""}${row.number}`,
    ...actors.map((_, actor) => (actor === row.actor ? saidIn(row).join("<br>") : "")),
    ...display.map((_, column) => stateText(row.state?.[column])),
  ];
}

/** What an actor's cell says: why it is its turn, where that was not the schedule's choice, and what it does. */
function saidIn({ switched, because, lines }: Row): string[] {
  const reason = switched && because !== null ? [`*${inline(because)}:*`] : [];
  return [...reason, ...lines.map((line) => lineText(line))];
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

/** Drawn by GitHub, where it is short enough; folded away below what it shows. */
function diagramOf(counterexample: Counterexample): string[] {
  const diagram = mermaidOf(counterexample);
  if (diagram === null) return [];
  return ["<details><summary>As a sequence diagram</summary>", "", ...fenced(diagram, "mermaid"), "", "</details>"];
}

/** The reasons, and what shows that it happened. */
function whyOf({ why, place }: Timeline): string[] {
  const told = reasonsOf(why).map((sentence) => `- ${bold(inline(sentenceText(sentence)))}`);
  const code = place === null ? [] : [`- In the code: ${inline(place)}.`];
  return [...told, ...code, ...why.proof.map((sentence) => `- ${inline(sentenceText(sentence))}`)];
}

function violationsOf({ violations, finalState }: Timeline): string[] {
  return [
    ...violations.map(
      ({ invariant, way, message }) => `- ✗ ${bold(inline(invariant))} (${inline(way)}): ${inline(message)}`,
    ),
    ...finalState.map((text) => `- At the end: ${code(text)}`),
  ];
}
