import { beside, gap, paragraph, ruled, titled, type Cell } from "./cells.js";
import type { CellSummary, ClaimSummary, MatrixSummary } from "./matrix-summary.js";
import type { Ink, Painted } from "./paint.js";
import { displayWidth, wrap } from "./width.js";

const margin: Painted = { text: "   ", role: "plain" };

/** The matrix: a row for each implementation and condition, a numbered column for each invariant, in as many blocks as it takes. */
export function matrixLines({ invariants, rows }: MatrixSummary, room: number): Painted[][] {
  const names = rows.map(({ implementation, condition }) => `${implementation}, ${condition}`);
  const nameWidth = Math.min(Math.max(...names.map(displayWidth)), Math.floor(room / 2));
  const cellWidth = Math.max(...rows.flatMap(({ cells }) => cells.map((cell) => displayWidth(mark(cell)))), 2);
  const perBlock = Math.max(1, Math.floor((room - margin.text.length - nameWidth - gap) / (cellWidth + gap)));
  const blocks = Array.from({ length: Math.ceil(invariants.length / perBlock) }, (_, block) => block * perBlock);
  const table = blocks.flatMap((from) => {
    const columns = invariants.slice(from, from + perBlock).map((_, at) => from + at);
    const head = [titled("", nameWidth), ...columns.map((column) => titled(String(column + 1), cellWidth))];
    const rule = [ruled(nameWidth), ...columns.map(() => ruled(cellWidth))];
    const body = rows.map(({ cells }, at) => [
      { width: nameWidth, lines: wrap([[{ text: names[at]!, role: "heading" as Ink }]], nameWidth) },
      ...columns.map((column) => cellOf(cells[column]!, cellWidth)),
    ]);
    return [[], ...[head, rule, ...body].flatMap((line) => beside(line))];
  });
  return [
    ...table.map((line) => (line.length === 0 ? line : [margin, ...line])),
    [],
    ...invariants.flatMap((name, at) =>
      paragraph([[{ text: `${String(at + 1).padStart(2)} ${name}`, role: "plain" }]], 3, room),
    ),
    ...paragraph([[{ text: legend, role: "muted" }]], 3, room),
  ];
}

const legend =
  "✓ holds as far as the row's claim goes, ? could not be told; 2·1·3: broken, smallest with 2 operations, 1 fault, 3 switches; ~ for a moment only";

function mark({ verdict, size }: CellSummary): string {
  return verdict === "violates" ? size : verdict === "holds" ? "✓" : "?";
}

function cellOf(cell: CellSummary, width: number): Cell {
  const role: Ink = cell.verdict === "violates" ? "bad" : cell.verdict === "holds" ? "good" : "changed";
  return { width, lines: [[{ text: mark(cell), role }]] };
}

/** The claims, one after the other. */
export function claimLines(claims: readonly ClaimSummary[], room: number): Painted[][] {
  return claims.flatMap(({ topic, where, implementations, verdict, text }) => {
    const [sign, role]: [string, Ink] =
      verdict === "holds" ? ["✓", "good"] : verdict === "violates" ? ["✗", "bad"] : ["?", "changed"];
    const said = `“${topic}” ${where === "" ? "" : `(${where}) `}of ${implementations}`;
    return [
      ...paragraph(
        [
          [
            { text: `${sign} `, role },
            { text: said, role: "heading" },
          ],
        ],
        3,
        room,
      ),
      ...paragraph([[{ text, role: "plain" }]], 5, room),
    ];
  });
}
