import type { Step } from "../execution/trace.js";
import type { Reproduction, ReproductionStep } from "./reproduction.js";
import { oneLine } from "./text.js";

/** The reproduction as a script for people with one `psql` for each session: who types what next, and what must come. */
export function toPsql(reproduction: Reproduction): string {
  const { title, setups, sessions, sessionSetup, steps, state } = reproduction;
  const terminals = sessions.map((name, i) => `terminal ${i + 1} is ${oneLine(name)}`);
  const terminalOf = (session: string) => `terminal ${sessions.indexOf(session) + 1} (${oneLine(session)})`;
  const parts = [
    comment([
      ...title,
      `${sessions.length} terminals, each with psql on the same empty database: ${terminals.join(", ")}.`,
      "Paste one numbered piece after the other into the terminal that it names.",
    ]),
    ...setups.map((sql) => `${comment(["Setup, in terminal 1:"])}\n${statement(sql)}`),
    ...(sessionSetup === undefined ? [] : [`${comment(["In every terminal:"])}\n${statement(sessionSetup)}`]),
    ...steps.map((step, i) => piece(step, i + 1, terminalOf(step.session), wokenBy(step, steps, terminalOf))),
    ...state.map(
      ({ name, sql, rows }) =>
        `${comment([`In the end, ${name}:`])}\n${statement(sql)}\n${comment([`expect: ${count(rows)}`])}`,
    ),
  ];
  return `${parts.join("\n\n")}\n`;
}

function piece(
  { sql, remarks, step }: ReproductionStep,
  number: number,
  terminal: string,
  woken: readonly string[],
): string {
  const expected = step === undefined ? [] : [expectation(step)];
  const head = comment([...remarks.map((remark) => `(${remark})`), `${number}. ${terminal}:`]);
  return [head, statement(sql), comment([...expected, ...woken])].filter((text) => text !== "").join("\n");
}

function expectation({ outcome, wait }: Step): string {
  if (wait === null) return `expect: ${answer(outcome)}`;
  const goesOn = wait.until === null ? `, and ends by itself: ${answer(outcome)}` : "";
  return `expect: no answer yet, it waits for ${wait.holders.map(oneLine).join(" and ")}${goesOn}`;
}

/** What the statements that a step lets go on answer. */
function wokenBy(
  by: ReproductionStep,
  steps: readonly ReproductionStep[],
  terminalOf: (session: string) => string,
): string[] {
  return steps.flatMap(({ step, session }) =>
    by.step !== undefined && step?.wait?.until === by.step.index
      ? [`now the statement that waits in ${terminalOf(session)} goes on: ${answer(step.outcome)}`]
      : [],
  );
}

function answer(outcome: Step["outcome"]): string {
  if (outcome.kind === "error")
    return `ERROR, ${oneLine(outcome.message)}${outcome.code === null ? "" : ` (${outcome.code})`}`;
  if (outcome.kind === "passed") return "nothing";
  const { command, rowCount } = outcome;
  return rowCount === null ? command : `${command}, ${count(rowCount)}`;
}

function count(rows: number): string {
  return `${rows} row${rows === 1 ? "" : "s"}`;
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => `-- ${oneLine(line)}`).join("\n");
}

/** What ends in a comment must not swallow the semicolon. */
function statement(sql: string): string {
  const text = sql.trim().replace(/;$/, "");
  return `${text}${text.slice(text.lastIndexOf("\n") + 1).includes("--") ? "\n" : ""};`;
}
