import type { Painted } from "./paint.js";
import { widthOf, wrap } from "./width.js";

/** Columns of a terminal between two columns of a table. */
export const gap = 2;

/** A column's part of a row. */
export interface Cell {
  /** What it is padded to. */
  readonly width: number;
  readonly lines: readonly (readonly Painted[])[];
}

/** The cells next to each other, each padded to its width but for the last one. */
export function beside(cells: readonly Cell[]): Painted[][] {
  const height = Math.max(0, ...cells.map(({ lines }) => lines.length));
  return Array.from({ length: height }, (_, at) =>
    cells.flatMap(({ width, lines }, index): Painted[] => {
      const line = lines[at] ?? [];
      const filler = index === cells.length - 1 ? 0 : width + gap - widthOf(line);
      return [...line, { text: " ".repeat(Math.max(0, filler)), role: "plain" }];
    }),
  );
}

/** The head of a column. */
export function titled(text: string, width: number): Cell {
  return { width, lines: wrap([[{ text, role: "actor" }]], width) };
}

/** What lies between the head of a column and the rest of it. */
export function ruled(width: number): Cell {
  return { width, lines: [[{ text: "─".repeat(width), role: "rule" }]] };
}

/** The cell with that many empty lines above it. */
export function lowered({ width, lines }: Cell, by: number): Cell {
  return { width, lines: lines.length === 0 ? [] : [...Array.from({ length: by }, () => []), ...lines] };
}

/** Chunks as lines with a margin; what hangs over goes on below the first word. */
export function paragraph(chunks: readonly (readonly Painted[])[], margin: number, room: number): Painted[][] {
  const space: Painted = { text: " ".repeat(margin), role: "plain" };
  return wrap(chunks, room - margin).map((line) => [space, ...line]);
}
