import type { Json } from "../execution/program.js";
import { bare, cut, visible } from "./text.js";

/** A piece of a statement as it is shown. */
export interface SqlSpan {
  readonly text: string;
  readonly role: "verb" | "sql" | "parameter";
}

type Kind = "space" | "word" | "string" | "parameter" | "other";

/** A piece of a statement as Postgres reads it; of `space`, comments are a part. */
export interface Token {
  readonly kind: Kind;
  readonly text: string;
}

/** Tried in this order; the last one takes any character, so that a statement Postgres would refuse is shown as well. */
const lexemes: readonly (readonly [Kind, RegExp])[] = [
  ["space", /(?:\s|--[^\n\r]*)+/y],
  ["string", /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?(?:\$\1\$|$)/y],
  ["parameter", /\$\d+/y],
  ["string", /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y],
  ["string", /(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$)/y],
  ["other", /(?:[uU]&)?"(?:[^"]|"")*(?:"|$)/y],
  ["other", /\d[\w.]*/y],
  ["word", /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ["other", /::|:=|->>|#>>|[-#@<>!=|&~]{2}|[\s\S]/y],
];

/** How long a statement may get, in characters, before parts of it are left out. */
const limit = { statement: 220, clause: 60, where: 100, group: 28, literal: 32, parameter: 24 };

/**
 * The statement as it is shown in a report: comments and whitespace collapsed, `$1` replaced by its value as `‹value›`,
 * and, when it is long, what matters least left out for `…`. One list of spans for each clause, to break lines at.
 */
export function showSql(sql: string, values: readonly Json[]): SqlSpan[][] {
  const clauses = clausesOf(tidy(tokensOf(sql)));
  return shorten(clauses.map((clause) => spansOf(clause, values))).map((clause, index) =>
    clause.map((token, position) => ({
      text: token.text,
      role: token.kind === "parameter" ? "parameter" : index === 0 && position === 0 ? "verb" : "sql",
    })),
  );
}

/** The first word of the statement, in capitals; what `pg` reports as the command when nothing unusual happened. */
export function verbOf(sql: string): string {
  return (tidy(tokensOf(sql))[0]?.text ?? "").toUpperCase();
}

/** The statement in pieces, every character of it. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length;) {
    const comment = blockCommentAt(sql, at);
    const token = comment === 0 ? lexemeAt(sql, at) : { kind: "space" as const, text: sql.slice(at, at + comment) };
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function lexemeAt(sql: string, at: number): Token {
  for (const [kind, pattern] of lexemes) {
    pattern.lastIndex = at;
    const text = pattern.exec(sql)?.[0];
    if (text !== undefined && text !== "") return { kind, text };
  }
  return { kind: "other", text: sql.charAt(at) };
}

/** Length of the block comment that starts there, 0 when none does. Postgres nests them. */
function blockCommentAt(sql: string, start: number): number {
  if (!sql.startsWith("/*", start)) return 0;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex - start;
  }
  return sql.length - start;
}

/** One space where there was any, none inside of parentheses and before commas, and no semicolon at the end. */
function tidy(tokens: readonly Token[]): Token[] {
  const tidied: Token[] = [];
  let gap = false;
  for (const token of tokens) {
    if (token.kind === "space") {
      gap = true;
      continue;
    }
    const before = tidied.at(-1);
    const tight = before === undefined || before.text === "(" || [")", ",", ";"].includes(token.text);
    if (gap && !tight) tidied.push({ kind: "space", text: " " });
    tidied.push(token);
    gap = false;
  }
  while (tidied.at(-1)?.text === ";") tidied.pop();
  return tidied;
}

const clauseWords = new Set(
  "FROM WHERE SET VALUES RETURNING ORDER GROUP HAVING LIMIT OFFSET FOR USING WINDOW UNION INTERSECT EXCEPT SELECT WHEN".split(
    " ",
  ),
);
const joinWords = new Set("JOIN LEFT RIGHT INNER FULL CROSS NATURAL OUTER".split(" "));

/** Cuts at the clauses of the statement itself, not at those of what stands in parentheses. */
function clausesOf(tokens: readonly Token[]): Token[][] {
  const clauses: Token[][] = [[]];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (index > 0 && depth === 0 && token.kind === "word" && startsClause(tokens, index)) {
      if (clauses.at(-1)?.at(-1)?.kind === "space") clauses.at(-1)?.pop();
      clauses.push([]);
    }
    clauses.at(-1)?.push(token);
  }
  return clauses.filter((clause) => clause.length > 0);
}

function startsClause(tokens: readonly Token[], index: number): boolean {
  const word = tokens[index]?.text.toUpperCase() ?? "";
  const before = neighbour(tokens, index, -1);
  if (word === "FROM") return before !== "DELETE" && before !== "DISTINCT";
  if (word === "ON") return neighbour(tokens, index, 1) === "CONFLICT";
  // After WITH … AS (…) comes the statement itself; FOR UPDATE and DO UPDATE are not statements.
  if (word === "UPDATE" || word === "DELETE" || word === "INSERT" || word === "MERGE") return before === ")";
  return clauseWords.has(word) || (joinWords.has(word) && !joinWords.has(before));
}

function neighbour(tokens: readonly Token[], index: number, direction: 1 | -1): string {
  const near = tokens[index + direction];
  return (near?.kind === "space" ? tokens[index + 2 * direction] : near)?.text.toUpperCase() ?? "";
}

/** Tokens with the text they are shown by. */
function spansOf(clause: readonly Token[], values: readonly Json[]): Token[] {
  return clause.map((token) => {
    if (token.kind === "parameter") return { kind: token.kind, text: parameter(token.text, values) };
    const quote = token.text.at(-1) ?? "";
    const text = cut(visible(token.text), limit.literal);
    // A literal that was cut keeps its closing quotation mark, or the rest would seem to belong to it.
    return { kind: token.kind, text: text.endsWith("…") && /['"$]/u.test(quote) ? text + quote : text };
  });
}

function parameter(placeholder: string, values: readonly Json[]): string {
  const value = values[Number(placeholder.slice(1)) - 1];
  return value === undefined ? placeholder : `‹${cut(visible(bare(value)), limit.parameter)}›`;
}

/** Leaves out, one after the other until it is short enough: long parentheses, the ends of long clauses, whole clauses. */
function shorten(clauses: Token[][]): Token[][] {
  let shorter = clauses;
  const passes = [withoutLongGroups, withoutLongClauses, withoutSecondaryClauses];
  for (const pass of passes) {
    if (shorter.reduce((sum, clause) => sum + 1 + lengthOf(clause), 0) <= limit.statement) break;
    shorter = pass(shorter);
  }
  return shorter;
}

const ellipsis: Token = { kind: "other", text: "…" };

function withoutLongGroups(clauses: readonly Token[][]): Token[][] {
  return clauses.map((clause) => {
    const kept: Token[] = [];
    for (let index = 0; index < clause.length; index += 1) {
      const token = clause[index];
      if (token === undefined) break;
      kept.push(token);
      const end = token.text === "(" ? closing(clause, index) : index;
      if (lengthOf(clause.slice(index, end + 1)) <= limit.group) continue;
      if (end > index) {
        kept.push(ellipsis, { kind: "other", text: ")" });
        index = end;
      }
    }
    return kept;
  });
}

function closing(clause: readonly Token[], open: number): number {
  let depth = 0;
  for (let index = open; index < clause.length; index += 1) {
    if (clause[index]?.text === "(") depth += 1;
    if (clause[index]?.text === ")") depth -= 1;
    if (depth === 0) return index;
  }
  return clause.length - 1;
}

function withoutLongClauses(clauses: readonly Token[][]): Token[][] {
  return clauses.map((clause) => {
    const room = isWhere(clause) ? limit.where : limit.clause;
    let length = 0;
    const end = clause.findIndex((token) => (length += token.text.length) > room);
    if (end === -1) return clause;
    const kept = clause.slice(0, Math.max(1, end));
    if (kept.at(-1)?.kind !== "space") kept.push({ kind: "space", text: " " });
    return [...kept, ellipsis];
  });
}

/** Keeps what says what is done to which rows: the first clause, the first FROM or SET, WHERE and RETURNING. */
function withoutSecondaryClauses(clauses: readonly Token[][]): Token[][] {
  const primary = new Set([
    0,
    ...["FROM", "SET", "WHERE", "RETURNING"].map((word) => clauses.findIndex((clause) => leads(clause, word))),
  ]);
  const kept = clauses.filter((_, index) => primary.has(index));
  return kept.length < clauses.length ? [...kept, [ellipsis]] : kept;
}

function isWhere(clause: readonly Token[]): boolean {
  return leads(clause, "WHERE");
}

function leads(clause: readonly Token[], word: string): boolean {
  return clause[0]?.text.toUpperCase() === word;
}

function lengthOf(tokens: readonly Token[]): number {
  return tokens.reduce((sum, { text }) => sum + text.length, 0);
}
