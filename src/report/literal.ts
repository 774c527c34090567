import pg from "pg";
import type { Json } from "../execution/program.js";
import { tokensOf, type Token } from "./sql.js";

/**
 * A value as a literal of SQL. It is quoted whatever its type: like a parameter, it gets the type that the statement asks
 * for. Arrays and objects become what `pg` makes of them: arrays of SQL, and JSON.
 */
export function literalOf(value: Json): string {
  if (value === null) return "NULL";
  return pg.escapeLiteral(textOf(value)).trim();
}

function textOf(value: Json): string {
  if (Array.isArray(value)) return `{${value.map(elementOf).join(",")}}`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function elementOf(value: Json): string {
  if (value === null) return "NULL";
  if (Array.isArray(value)) return textOf(value);
  return `"${textOf(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The statement with its parameters in place, as literals. */
export function inlined(sql: string, values: readonly Json[]): string {
  return tokensOf(sql)
    .map(({ kind, text }) => {
      const value = kind === "parameter" ? values[Number(text.slice(1)) - 1] : undefined;
      return value === undefined ? text : literalOf(value);
    })
    .join("");
}

/** Rows as INSERT statements, on a line each. */
export function insertsOf(table: string, rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  const name = table.split(".").map(pg.escapeIdentifier).join(".");
  return rows.map((row) => {
    const columns = Object.keys(row);
    if (columns.length === 0) return `INSERT INTO ${name} DEFAULT VALUES;`;
    // JSON, as the model's rows are: an array may be meant for a column of JSON, an object for one of a composite type.
    if (Object.values(row).some((value) => typeof value === "object" && value !== null && !(value instanceof Date))) {
      const list = columns.map(pg.escapeIdentifier).join(", ");
      const json = pg.escapeLiteral(JSON.stringify(row)).trim();
      return `INSERT INTO ${name} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM json_populate_record(NULL::${name}, ${json});`;
    }
    const values = Object.values(row).map((value) => literalOf(JSON.parse(JSON.stringify(value ?? null)) as Json));
    return `INSERT INTO ${name} (${columns.map(pg.escapeIdentifier).join(", ")}) OVERRIDING SYSTEM VALUE VALUES (${values.join(", ")});`;
  });
}

/** The same SQL without closing braces, which a spec file cannot hold: in texts and names they are written as escapes. */
export function withoutBraces(sql: string): string {
  return tokensOf(sql)
    .map((token) => (token.text.includes("}") ? escaped(token) : token.text))
    .join("");
}

function escaped({ kind, text }: Token): string {
  const inner = (opening: number) => text.slice(opening, -1);
  const unescaped = (opening: number) => inner(opening).replaceAll("\\", "\\\\");
  if (kind === "space") return text.replaceAll("}", ")");
  if (/^u&/i.test(text)) return text.replaceAll("}", "\\007D");
  if (text.startsWith('"')) return `U&"${unescaped(1).replaceAll("}", "\\007D")}"`;
  if (/^e'/i.test(text)) return text.replaceAll("}", "\\x7d");
  if (text.startsWith("$")) {
    const tag = /^\$\w*\$/.exec(text)![0];
    const body = text.slice(tag.length, -tag.length);
    return `E'${body.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("}", "\\x7d")}'`;
  }
  return `E'${unescaped(text.indexOf("'") + 1).replaceAll("}", "\\x7d")}'`;
}
