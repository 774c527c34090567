import { beside, gap, lowered, ruled, titled } from "./cells.js";
import type { Cell } from "./cells.js";
import { foldMark } from "./lines.js";
import type { Line } from "./lines.js";
import type { Painted } from "./paint.js";
import type { Bracket, Row, StateCell, Table } from "./timeline.js";
import { cutToWidth, displayWidth, widthOf, wrap } from "./width.js";

/** Below these widths of an actor's column, the state goes into one column, and the columns go below each other. */
const comfortable = 34;
const bearable = 16;
/** Statements are not shown on longer lines than this, however wide the terminal is. */
const longest = 72;

/** Widths of the columns, in the order in which they stand. */
interface Layout {
  readonly number: number;
  readonly actors: readonly number[];
  /** Of the margin in front of each actor's column, for the bracket around transactions. */
  readonly margins: readonly number[];
  /** One for each column of the state, or a single one for all of them below each other. */
  readonly state: readonly number[];
  /** How much of a single column for all of the state its names take; null when each has a column of its own. */
  readonly names: number | null;
}

/** The rows of the timeline under their headings, as lines of at most `room` columns. */
export function tableOf(timeline: Table, room: number): Painted[][] {
  const layout = separate(timeline, room) ?? stacked(timeline, room);
  if (layout === null) return listOf(timeline, room);
  const lines = headerOf(timeline, layout);
  const width = totalOf(layout);
  for (const row of timeline.rows) {
    if (row.switched) lines.push(switchLine(row, layout, width));
    lines.push(...beside(cellsOf(row, timeline, layout)));
  }
  return lines;
}

function separate(timeline: Table, room: number): Layout | null {
  const state = timeline.display.map((name, column) =>
    Math.max(displayWidth(name), ...statesOf(timeline).map((cells) => widthOfCell(cells[column]))),
  );
  return layoutWith(timeline, room, { state, names: null, least: comfortable });
}

function stacked(timeline: Table, room: number): Layout | null {
  const names = Math.min(12, Math.max(0, ...timeline.display.map((name) => displayWidth(name))));
  const values = Math.max(0, ...statesOf(timeline).flatMap((cells) => cells.map(widthOfCell)));
  const width = Math.min(names + 1 + values, Math.max(24, Math.floor(room * 0.3)));
  return layoutWith(timeline, room, { state: timeline.display.length === 0 ? [] : [width], names, least: bearable });
}

function widthOfCell(cell: StateCell | undefined): number {
  return 2 + Math.max(...(cell?.lines ?? [""]).map((line) => displayWidth(line)));
}

interface StateWidths {
  readonly state: readonly number[];
  readonly names: number | null;
  /** An actor's column that needs more than this must get it. */
  readonly least: number;
}

/** Shares out what the numbers and the state leave among the actors; null when that is too little. */
function layoutWith(timeline: Table, room: number, { state, names, least }: StateWidths): Layout | null {
  const { actors, rows } = timeline;
  const number = Math.max(2, ...rows.map((row) => displayWidth(numberOf(row))));
  const margins = actors.map((_, actor) =>
    rows.some(({ brackets }) => (brackets[actor] ?? "none") !== "none") ? 2 : 0,
  );
  const wanted = actors.map((name, actor) =>
    wantedBy(
      name,
      rows.filter((row) => row.actor === actor),
    ),
  );
  const rest = room - totalOf({ number, actors: actors.map(() => 0), margins, state, names });
  const shares = share(rest, wanted);
  const enough = shares.every((width, actor) => width >= Math.min(wanted[actor] ?? 0, least));
  return enough ? { number, actors: shares, margins, state, names } : null;
}

function wantedBy(name: string, rows: readonly Row[]): number {
  const widths = rows.flatMap(({ lines }) => lines.map((line) => lengthOf(line)));
  return Math.min(longest, Math.max(displayWidth(name), 8, ...widths));
}

function lengthOf({ chunks }: Line): number {
  return chunks.reduce((sum, chunk) => sum + 1 + widthOf(chunk), -1);
}

/** Everyone gets what they want as long as the others can have as much; what is left over is not used. */
function share(total: number, wanted: readonly number[]): number[] {
  const shares = wanted.map(() => 0);
  let rest = total;
  const byWish = [...wanted.keys()].toSorted((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  for (const [position, index] of byWish.entries()) {
    const width = Math.max(0, Math.min(wanted[index] ?? 0, Math.floor(rest / (wanted.length - position))));
    shares[index] = width;
    rest -= width;
  }
  return shares;
}

function totalOf({ number, actors, margins, state }: Layout): number {
  const columns = [1 + number, ...actors.map((width, actor) => width + (margins[actor] ?? 0)), ...state];
  return columns.reduce((sum, width) => sum + width, gap * (columns.length - 1));
}

function statesOf({ rows }: Table): (readonly StateCell[])[] {
  return rows.flatMap(({ state }) => (state === null ? [] : [state]));
}

function headerOf({ actors, display }: Table, layout: Layout): Painted[][] {
  const heads = layout.names === null ? display : ["state"];
  const cells: Cell[] = [
    { width: 1 + layout.number, lines: [] },
    ...actors.map((name, actor) => titled(name, (layout.actors[actor] ?? 0) + (layout.margins[actor] ?? 0))),
    ...layout.state.map((width, column) => titled(heads[column] ?? "", width)),
  ];
  return [
    ...beside(cells),
    ...beside(cells.map(({ width }, index) => (index === 0 ? { width, lines: [] } : ruled(width)))),
  ];
}

/** Everything below each other, for many actors on a narrow terminal: whose step it is stands above it. */
function listOf({ actors, display, rows }: Table, room: number): Painted[][] {
  const number = Math.max(2, ...rows.map((row) => displayWidth(numberOf(row))));
  const width = room - 1 - number - gap;
  return rows.flatMap((row, index) => {
    const name: Painted = { text: actors[row.actor ?? -1] ?? "", role: "actor" };
    const said = row.lines.map((line) => wrap<Painted>(line.chunks, width));
    const cells = row.state ?? [];
    const state = cells.map((cell, column) => [
      named(display[column] ?? "", cell, column === cells.length - 1 ? "" : ","),
    ]);
    const above = row.actor === rows[index - 1]?.actor ? [] : wrap([[name]], width);
    const line = above.length + extentOf(row, said)[0];
    return [
      ...(row.switched
        ? [[switchMark(number), ...(row.because === null ? [] : [reasonText(row.because, width)])]]
        : []),
      ...beside([numberCell(row, number, line), { width, lines: [...above, ...said.flat(), ...wrap(state, width)] }]),
    ];
  });
}

function named(name: string, { lines, changed }: StateCell, end: string): Painted {
  const text = lines.join(", ") + end;
  return changed ? { text: `${name} → ${text}`, role: "changed" } : { text: `${name} ${text}`, role: "muted" };
}

/** The number, beside the line on which the step itself begins. */
function numberCell(row: Row, width: number, line: number): Cell {
  const number: Painted = { text: ` ${numberOf(row).padStart(width)}`, role: row.kind === "step" ? "plain" : "muted" };
  return lowered({ width: 1 + width, lines: [[number]] }, line);
}

/**
 * The line between the steps of one actor and those of another, with its reason; a bracket around a transaction goes on
 * through it.
 */
function switchLine({ brackets, because }: Row, layout: Layout, width: number): Painted[] {
  const start = 1 + layout.number + gap;
  const line = Array.from<string>({ length: width - start }).fill("┄");
  let at = 0;
  for (const [actor, share] of layout.actors.entries()) {
    const margin = layout.margins[actor] ?? 0;
    if (margin > 0 && (brackets[actor] === "inside" || brackets[actor] === "closes")) line[at] = "│";
    at += margin + share + gap;
  }
  const reason = because === null ? "" : ` ${cutToWidth(because, Math.max(0, line.length - 4))} `;
  const rule = line.join("");
  const kept = rule.slice(0, Math.max(0, rule.length - displayWidth(reason) - (reason === "" ? 0 : 2)));
  return [
    switchMark(layout.number),
    { text: " ".repeat(gap) + kept, role: "rule" },
    { text: reason, role: "muted" },
    { text: reason === "" ? "" : "┄┄", role: "rule" },
  ];
}

function reasonText(because: string, width: number): Painted {
  return { text: " ".repeat(gap) + cutToWidth(because, width), role: "muted" };
}

function switchMark(width: number): Painted {
  return { text: "⇄".padStart(1 + width), role: "heading" };
}

function cellsOf(row: Row, { actors, display }: Table, layout: Layout): Cell[] {
  const said = row.lines.map((line) => wrap<Painted>(line.chunks, layout.actors[row.actor ?? -1] ?? 0));
  const extent = extentOf(row, said);
  const state = stateCellsOf(row, layout, display).map((cell) => lowered(cell, extent[0]));
  const height = Math.max(1, said.flat().length, ...state.map(({ lines }) => lines.length));
  const cells = actors.map((_, actor): Cell => {
    const own = actor === row.actor;
    const margin = layout.margins[actor] ?? 0;
    const marks = margin === 0 ? [] : bracketMarks(row.brackets[actor] ?? "none", own ? extent : null, height);
    const lines = Array.from({ length: height }, (_, at): Painted[] => [
      { text: (marks[at] ?? "").padEnd(margin), role: "bracket" },
      ...((own ? said.flat()[at] : undefined) ?? []),
    ]);
    return { width: (layout.actors[actor] ?? 0) + margin, lines };
  });
  return [numberCell(row, layout.number, extent[0]), ...cells, ...state];
}

/** Where a step's own lines begin and end among all that its cell says: an operation's start and result are outside. */
function extentOf({ lines }: Row, said: readonly (readonly unknown[])[]): readonly [first: number, last: number] {
  const own = [...lines.keys()].filter((line) => lines[line]?.kind !== "operation" && lines[line]?.kind !== "result");
  const above = (line: number): number => said.slice(0, line).flat().length;
  return [above(own[0] ?? 0), above((own.at(-1) ?? 0) + 1) - 1];
}

/** The margin of a row, line by line; `extent` is where the actor's own step stands in it, null for others' steps. */
function bracketMarks(bracket: Bracket, extent: readonly [number, number] | null, height: number): string[] {
  if (bracket === "none") return [];
  const [first, last] = extent ?? [0, height - 1];
  return Array.from({ length: height }, (_, line) => {
    if (bracket === "opens") return line < first ? "" : line === first ? "┌" : "│";
    if (bracket === "closes") return line > last ? "" : line === last ? "└" : "│";
    return "│";
  });
}

function stateCellsOf({ state }: Row, { state: widths, names }: Layout, display: readonly string[]): Cell[] {
  if (state === null) return widths.map((width) => ({ width, lines: [] }));
  if (names === null)
    return state.map((cell, column) => ({ width: widths[column] ?? 0, lines: valueLines(cell, widths[column] ?? 0) }));
  const width = widths[0] ?? 0;
  const lines = state.flatMap((cell, column) =>
    beside([
      { width: names - gap + 1, lines: [[{ text: cutToWidth(display[column] ?? "", names), role: "muted" }]] },
      { width: width - names - 1, lines: valueLines(cell, width - names - 1) },
    ]),
  );
  return [{ width, lines }];
}

/** A value behind the mark for a change, or as much room without it. */
function valueLines({ lines, changed }: StateCell, width: number): Painted[][] {
  const role = changed ? "changed" : "muted";
  const wrapped = lines.flatMap((text) => wrap([[{ text, role } as const]], width - 2));
  return wrapped.map((line, index): Painted[] => [{ text: changed && index === 0 ? "→ " : "  ", role }, ...line]);
}

function numberOf({ kind, number }: Row): string {
  if (kind === "folded") return foldMark;
  return kind === "completed" ? `…${number}` : `${number}`;
}
