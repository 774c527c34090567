import type { OperationRecord, Outcome, Step, Wait } from "../execution/trace.js";
import { showSql, verbOf } from "./sql.js";
import { brief, briefRow, count, cut, enumerate, oneLine, visible } from "./text.js";

/** What a piece of text is, for renderers to choose colours by. */
export type Role =
  | "sql"
  | "verb"
  | "parameter"
  | "operation"
  | "yield"
  | "wait"
  | "outcome"
  | "miss"
  | "stale"
  | "error"
  | "muted";

/** A piece of text with one role. */
export interface Span {
  readonly text: string;
  readonly role: Role;
}

/** What an actor's column says in one row, one thing after the other. */
export interface Line {
  readonly kind: "operation" | "step" | "wait" | "outcome" | "remark" | "result";
  /** Lines are broken between chunks first. */
  readonly chunks: readonly (readonly Span[])[];
}

/** Mark of a write that hit no row: often the story. */
export const missMark = "0 rows!";

/** Stands where steps are left out. */
export const foldMark = "⋯";

/**
 * A step on one line, without colour, for progress and messages:
 * `worker B: UPDATE worker_runs SET status = ‹failed› WHERE id = ‹7› → 0 rows!`
 */
export function describeStep(step: Step): string {
  const what = textOf([stepText({ ...step, session: step.actor })]);
  const waited = step.wait === null ? "" : ` ${textOf(waitLines(step.wait))} <... completed>`;
  const outcome = outcomeLine(step);
  return `${visible(step.session)}: ${what}${waited}${outcome === null ? "" : ` ${textOf([outcome])}`}`;
}

/** What a step does: its statement, or the name of its yield point. */
export function stepText(step: Step): Line {
  if (step.kind === "crash") return crashLine(step);
  const chunks: Span[][] = step.kind === "yield" ? [[yieldSpan(step)]] : showSql(step.text, step.values);
  if (chunks.length === 0) chunks.push([{ text: "(empty statement)", role: "muted" }]);
  const connection = step.session.startsWith(step.actor) ? step.session.slice(step.actor.length) : step.session;
  const [first = [], ...rest] = chunks;
  const mark: Span[] = connection === "" ? [] : [{ text: `${visible(connection)} `, role: "muted" }];
  return { kind: "step", chunks: [[...mark, ...first], ...rest] };
}

/** A process that dies, and what it would have done next. */
function crashLine({ text }: Step): Line {
  const next: Span = { text: `before: ${cut(oneLine(text), 60)}`, role: "muted" };
  return { kind: "step", chunks: [[{ text: "✗ process dies", role: "error" }], [next]] };
}

function yieldSpan(step: Step): Span {
  return { text: `◇ ${oneLine(step.text)}`, role: "yield" };
}

/** What shows that a step has begun to wait for a lock, and what for. */
export function waitLines({ holders, on, lock }: Wait): Line[] {
  const forWhom = holders.length === 0 ? "waits for" : `waits for ${enumerate(holders.map((name) => visible(name)))}:`;
  return [
    { kind: "wait", chunks: [[{ text: "<waiting ...>", role: "wait" }]] },
    { kind: "wait", chunks: [[{ text: `${forWhom} ${oneLine(on ?? lock)}`, role: "muted" }]] },
  ];
}

/** What came back; null when that says nothing, as for BEGIN. */
export function outcomeLine(step: Step): Line | null {
  const { outcome } = step;
  if (outcome.kind === "passed") return null;
  if (outcome.kind === "error") {
    const error = `ERROR ${outcome.code === null ? "" : `${visible(outcome.code)}: `}${cut(oneLine(outcome.message), 200)}`;
    if (step.fault === "lost answer") return cameBack(`✗ done, but the answer is lost: ${error}`, "error");
    return cameBack(step.fault === undefined ? error : `✗ ${error}`, "error");
  }
  // A transaction that had failed answers COMMIT with ROLLBACK, and no error.
  const command = outcome.command.toUpperCase();
  if (command === "ROLLBACK" && /^(?:COMMIT|END)$/u.test(verbOf(step.text))) return cameBack("ROLLBACK", "error");
  if (outcome.rowCount === null) return null;
  if (outcome.rowCount === 0 && /^(?:UPDATE|DELETE|INSERT|MERGE)$/u.test(command)) return cameBack(missMark, "miss");
  return cameBack(`${count(outcome.rowCount, "row")}${rowsText(outcome)}`, "outcome");
}

function cameBack(text: string, role: Role): Line {
  return { kind: "outcome", chunks: [[{ text: `→ ${text}`, role }]] };
}

/** The rows that came back when they are few and small, or as much of a single one as fits. */
function rowsText({ rows, rowCount }: Outcome & { kind: "rows" }): string {
  if (rows === undefined || rows.length === 0 || rows.length !== rowCount) return "";
  const [first = null] = rows;
  if (rows.length === 1) return `: ${briefRow(first)}`;
  const all = rows.map((row) => `(${briefRow(row)})`).join(", ");
  return all.length <= 60 ? `: ${all}` : "";
}

/** How an operation ended, where that is interesting; `last` is its last step. */
export function resultLine({ result }: OperationRecord, last: Step | null): Line | null {
  if ("returned" in result)
    return result.returned === null ? null : ended(`returned ${brief(result.returned, 60)}`, "operation");
  if ("crashed" in result) return ended("process died", "error");
  const { name, message, code } = result.threw;
  if (last?.outcome.kind === "error" && last.outcome.message === message) return ended("threw that error", "error");
  return ended(
    `threw ${visible(name)}${code === null ? "" : ` ${visible(code)}`}: ${cut(oneLine(message), 200)}`,
    "error",
  );
}

function ended(text: string, role: Role): Line {
  return { kind: "result", chunks: [[{ text: `◂ ${text}`, role }]] };
}

/** The text of lines, without roles, on one line. */
export function textOf(lines: readonly Line[]): string {
  return lines
    .flatMap(({ chunks }) => chunks)
    .map((chunk) => chunk.map(({ text }) => text).join(""))
    .join(" ");
}
