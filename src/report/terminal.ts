import type { Counterexample } from "../shrink/counterexample.js";
import { missMark } from "./lines.js";
import { paint } from "./paint.js";
import type { Ink, Painted } from "./paint.js";
import { tableOf } from "./terminal-table.js";
import { count, visible } from "./text.js";
import { timelineOf } from "./timeline.js";
import type { Timeline } from "./timeline.js";
import { wrap } from "./width.js";

/** How a terminal shows things: whether in colour, and how many columns it has. */
export interface TerminalOptions {
  readonly color: boolean;
  readonly width: number;
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
  { color, width, replayCommand }: TerminalOptions & { readonly replayCommand: string },
): string {
  const timeline = timelineOf(counterexample);
  const room = Math.max(narrowest, width);
  const lines = [
    ...headingOf(timeline, room),
    [],
    ...tableOf(timeline, room),
    [],
    ...violationsOf(timeline, room),
    [],
    ...footerOf(timeline, room),
    [],
    [{ text: `   ${visible(replayCommand)}`, role: "command" as const }],
  ];
  return lines.map((line) => `${paint(line, color).trimEnd()}\n`).join("");
}

function headingOf({ model, implementation, violations, initial }: Timeline, room: number): Painted[][] {
  const broken = [...new Set(violations.map(({ invariant }) => invariant))];
  const title: Painted[] = [
    { text: "✗ ", role: "bad" },
    { text: `${model}, ${implementation}`, role: "heading" },
    { text: ` breaks ${broken.length === 1 ? "an invariant" : count(broken.length, "invariant")}: `, role: "plain" },
    { text: broken.join(", "), role: "bad" },
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

function footerOf(timeline: Timeline, room: number): Painted[][] {
  const { size, shrunk, confirmed, environment } = timeline;
  const facts: Painted[][] = [[{ text: `${size};`, role: "plain" }]];
  if (shrunk !== null) facts.push([{ text: `${shrunk};`, role: "plain" }]);
  facts.push([{ text: confirmed.text, role: confirmed.always ? "plain" : "bad" }]);
  return [...paragraph(facts, 3, room), ...paragraph(muted(environment), 3, room), ...legendOf(timeline, room)];
}

/** Explains the marks that are used, and no others. */
function legendOf({ rows }: Timeline, room: number): Painted[][] {
  const roles = new Set<Ink>(
    rows.flatMap(({ lines }) => lines.flatMap(({ chunks }) => chunks.flat().map(({ role }) => role))),
  );
  const marks: (readonly [boolean, string])[] = [
    [rows.some(({ switched }) => switched), "⇄ switch to another actor"],
    [rows.some(({ kind }) => kind === "completed"), "…n step n goes on"],
    [rows.some(({ brackets }) => brackets.some((bracket) => bracket !== "none")), "┌│└ transaction"],
    [roles.has("parameter"), "‹ › parameter"],
    [rows.some(({ state }) => state?.some(({ changed }) => changed) ?? false), "→ in the state: changed"],
    [roles.has("miss"), `${missMark} a write that hit nothing`],
    [roles.has("yield"), "◇ yield point"],
  ];
  const used = marks.filter(([isUsed]) => isUsed).map(([, text]) => text);
  if (used.length === 0) return [];
  return paragraph(
    used.flatMap((text, index) => muted(index < used.length - 1 ? `${text},` : text)),
    3,
    room,
  );
}

/** Chunks as lines with a margin; what hangs over goes on below the first word. */
export function paragraph(chunks: readonly (readonly Painted[])[], margin: number, room: number): Painted[][] {
  const space: Painted = { text: " ".repeat(margin), role: "plain" };
  return wrap(chunks, room - margin).map((line) => [space, ...line]);
}

function muted(text: string): Painted[][] {
  return [[{ text, role: "muted" }]];
}
