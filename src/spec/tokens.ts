import { UsageError } from "../errors.js";

/** A token of a spec file; `text` is a name, a number, a keyword, a mark, or the SQL between braces. */
export interface Token {
  readonly kind: "keyword" | "name" | "number" | "sql" | "mark" | "end";
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

const keywords = new Set(["notices", "permutation", "session", "setup", "step", "teardown"]);

/** Tried in this order. Names are as in SQL, but for case, which counts. */
const lexemes: readonly (readonly [Token["kind"] | "space", RegExp])[] = [
  ["space", /(?:[ \t\r\f\n]|#[^\n\r]*)+/y],
  ["name", /[A-Za-z\u0080-\uffff_][A-Za-z\u0080-\uffff_0-9$]*/y],
  ["name", /"(?:[^"\n]|"")*"/y],
  ["sql", /\{[^}]*\}/y],
  ["number", /[0-9]+/y],
  ["mark", /[,()*]/y],
];

/**
 * Takes a spec file apart.
 *
 * @param file Its name, for messages.
 * @throws {UsageError} Where something stands that begins no token, or one is cut off.
 */
export function tokensOf(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < text.length;) {
    const [kind, found] = lexemeAt(text, at) ?? fail(text, at, `${file}:${line}`);
    if (kind !== "space") tokens.push(tokenOf(kind, found, line));
    line += found.split("\n").length - 1;
    at += found.length;
  }
  tokens.push({ kind: "end", text: "the end of the file", line });
  return tokens;
}

function lexemeAt(text: string, at: number): readonly [Token["kind"] | "space", string] | undefined {
  for (const [kind, pattern] of lexemes) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return [kind, found];
  }
  return undefined;
}

function tokenOf(kind: Token["kind"], found: string, line: number): Token {
  if (kind === "sql") return { kind, text: withoutMargins(found.slice(1, -1)), line };
  if (kind !== "name") return { kind, text: found, line };
  if (found.startsWith('"')) return { kind, text: found.slice(1, -1).replaceAll('""', '"'), line };
  return { kind: keywords.has(found) ? "keyword" : "name", text: found, line };
}

/** Spaces behind the opening brace and before the closing one do not count, line breaks do. */
function withoutMargins(sql: string): string {
  return sql.replace(/^[ \t\r\f]+/, "").replace(/[ \t\r\f]+$/, "");
}

function fail(text: string, at: number, where: string): never {
  const character = text.charAt(at);
  if (character === "{")
    throw new UsageError(
      `${where}: this block of SQL is never closed; end it with "}" (which SQL in a spec may not hold)`,
    );
  if (character === '"')
    throw new UsageError(`${where}: this quoted name does not end on its line; close it with a quotation mark`);
  throw new UsageError(
    `${where}: unexpected character ${JSON.stringify(character)}; names other than letters, digits, "_" and "$" need quotation marks, SQL needs braces`,
  );
}
