import type { Counterexample } from "../shrink/counterexample.js";
import { paragraph } from "./cells.js";
import { folded } from "./fold.js";
import { legendOf } from "./legend.js";
import { paint } from "./paint.js";
import type { Painted } from "./paint.js";
import { tableOf } from "./terminal-table.js";
import { visible } from "./text.js";
import { breaksText, brokenNames, tableDataOf, timelineOf } from "./timeline.js";
import type { Table, Timeline } from "./timeline.js";
import { reasonsOf, sentenceText, type Sentence } from "./why.js";

/** How a terminal shows things: whether in colour, and how many columns it has. */
export interface TerminalOptions {
  readonly color: boolean;
  readonly width: number;
  /** Whether to show also the steps that would be folded. */
  readonly allSteps?: boolean;
}

/** Narrower than this there is nothing to lay out. */
export const narrowest = 32;

/**
 * The counterexample as a timeline for a terminal, at most `width` columns wide (but not below 32, and a replay command
 * is never broken): a column for each actor and one for the state, or everything below each other where columns would
 * be too narrow.
 *
 * @param options.replayCommand the command line that replays it, shown as it is
 */
export function renderCounterexampleTerminal(
  counterexample: Counterexample,
  { color, width, allSteps = false, replayCommand }: TerminalOptions & { readonly replayCommand: string },
): string {
  const whole = timelineOf(counterexample);
  const timeline = allSteps ? whole : folded(whole);
  const room = Math.max(narrowest, width);
  const lines = [
    ...headingOf(timeline, room),
    [],
    ...tableOf(timeline, room),
    [],
    ...violationsOf(timeline, room),
    [],
    ...whyLines(timeline, room),
    ...footerOf(timeline, room),
    [],
    [{ text: `   ${visible(replayCommand)}`, role: "command" as const }],
  ];
  return lines.map((line) => `${paint(line, color)}\n`).join("");
}

/** The table of a trace alone, with its legend. */
export function renderTraceTerminal(
  { program, trace }: Pick<Counterexample, "program" | "trace">,
  { color, width, allSteps = false }: TerminalOptions,
): string {
  const whole = tableDataOf({ program, trace });
  const table = allSteps ? whole : folded(whole);
  const room = Math.max(narrowest, width);
  const lines = [...tableOf(table, room), ...legendLines(table, room)];
  return lines.map((line) => `${paint(line, color)}\n`).join("");
}

function headingOf({ model, implementation, violations, initial }: Timeline, room: number): Painted[][] {
  const title: Painted[] = [
    { text: "✗ ", role: "bad" },
    { text: `${model}, ${implementation}`, role: "heading" },
    { text: ` ${breaksText(violations)}: `, role: "plain" },
    { text: brokenNames(violations), role: "bad" },
  ];
  return [
    ...paragraph([title], 1, room),
    ...(initial === null ? [] : paragraph(muted(`starts from ${initial}`), 3, room)),
  ];
}

/** The broken invariants with their numbers, and the state at the end where the table cannot show it. */
function violationsOf({ violations, finalState }: Timeline, room: number): Painted[][] {
  return [
    ...violations.flatMap(({ invariant, way, message }) => [
      ...paragraph([[{ text: `✗ ${invariant} (${way})`, role: "bad" }]], 1, room),
      ...paragraph([[{ text: message, role: "heading" }]], 3, room),
    ]),
    ...finalState.flatMap((text) => paragraph([[{ text, role: "plain" }]], 3, room)),
  ];
}

/** The reasons in sentences, each a paragraph. */
function whyLines({ why, place }: Timeline, room: number): Painted[][] {
  const told = reasonsOf(why);
  const lines = [
    ...told.flatMap((sentence) => paragraph([sentencePieces(sentence)], 3, room)),
    ...(place === null ? [] : paragraph([[{ text: `In the code: ${place}.`, role: "plain" }]], 3, room)),
  ];
  return lines.length === 0 ? [] : [...lines, []];
}

function sentencePieces(sentence: Sentence): Painted[] {
  return sentence.map((part) =>
    typeof part === "string" ? { text: part, role: "plain" } : { text: `step ${part.step}`, role: "heading" },
  );
}

function footerOf(timeline: Timeline, room: number): Painted[][] {
  const { size, shrunk, confirmed, environment } = timeline;
  const facts: Painted[][] = [[{ text: `${size};`, role: "plain" }]];
  if (shrunk !== null) facts.push([{ text: `${shrunk};`, role: "plain" }]);
  facts.push([{ text: confirmed.text, role: confirmed.always ? "plain" : "bad" }]);
  const proof = timeline.why.proof.flatMap((sentence) => muted(sentenceText(sentence)));
  return [
    ...paragraph(facts, 3, room),
    ...paragraph(proof, 3, room),
    ...paragraph(muted(environment), 3, room),
    ...legendLines(timeline, room),
  ];
}

function legendLines(timeline: Table, room: number): Painted[][] {
  const marks = legendOf(timeline);
  return paragraph(
    marks.flatMap((text, index) => muted(index < marks.length - 1 ? `${text},` : text)),
    3,
    room,
  );
}

function muted(text: string): Painted[][] {
  return [[{ text, role: "muted" }]];
}
