import type { RawResult } from "./raw-query.js";

/** Results in the words of isolationtester, which prints rows as libpq's `PQprint` does. */
export function resultText(result: RawResult): string {
  if (result.kind === "command") return "";
  if (result.kind === "rows") return tableText(result.columns, result.rows);
  const { severity, message } = result;
  if (severity === undefined) return `${message}\n`;
  return `${severity}:  ${message}\n${severity === "FATAL" ? connectionLost : ""}`;
}

/** What libpq says when the connection closes in the middle of a query. */
const connectionLost = `server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.

`;

/** A table: columns that hold nothing but numbers to the right, others to the left; widths in bytes. */
export function tableText(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  if (columns.length === 0) return "";
  const right = columns.map((_, column) => rows.every((row) => looksNumeric(row[column] ?? "")));
  const widths = columns.map((name, column) =>
    rows.reduce((width, row) => Math.max(width, Buffer.byteLength(row[column] ?? "")), Buffer.byteLength(name)),
  );
  const line = (cells: readonly (string | null)[]) =>
    cells.map((cell, column) => padded(cell ?? "", widths[column]!, right[column]!)).join("|");
  const lines = [line(columns), widths.map((width) => "-".repeat(width)).join("+"), ...rows.map(line)];
  return `${lines.join("\n")}\n(${rows.length} row${rows.length === 1 ? "" : "s"})\n\n`;
}

/** As `PQprint` has it: these characters only, a digit in the end, and no exponent in the beginning. Nothing is no objection. */
function looksNumeric(value: string): boolean {
  return value === "" || /^(?![Ee])[0-9.Ee -]*[0-9]$/.test(value);
}

function padded(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - Buffer.byteLength(text)));
  return right ? space + text : text + space;
}

/** What Postgres sends besides results, as far as it is shown. */
export interface Notice {
  readonly severity?: string;
  readonly message?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly internalQuery?: string;
}

/** A notice as libpq puts it into words. */
export function noticeText({ severity, message, detail, hint, internalQuery }: Notice): string {
  const more = [
    ["DETAIL", detail],
    ["HINT", hint],
    ["QUERY", internalQuery],
  ].map(([name, text]) => (text === undefined ? "" : `${name}:  ${text}\n`));
  return `${severity ?? "NOTICE"}:  ${message ?? ""}\n${more.join("")}`;
}
