import type { Json } from "../execution/program.js";
import type { Step } from "../execution/trace.js";
import type { Reproduction, ReproductionStep } from "./reproduction.js";
import { bare, oneLine } from "./text.js";

/** The reproduction as a script for people with one `psql` for each session: who types what next, and what must come. */
export function toPsql({ title, setups, sessionSetup, steps, state, ...rest }: Reproduction): string {
  const sessions = rest.sessions.filter((name) =>
    steps.some((step) => step.session === name && step.cancels === undefined),
  );
  const terminals = sessions.map((name, i) => `terminal ${i + 1} is ${oneLine(name)}`);
  const terminalOf = (session: string) => `terminal ${sessions.indexOf(session) + 1} (${oneLine(session)})`;
  const parts = [
    comment([
      ...title,
      `${sessions.length} terminals, each with psql on the same database: ${terminals.join(", ")}.`,
      "Paste one numbered piece after the other into the terminal that it names.",
    ]),
    ...setups.map((sql) => `${comment(["Setup, in terminal 1:"])}\n${statement(sql)}`),
    ...(sessionSetup === undefined ? [] : [`${comment(["In every terminal:"])}\n${statement(sessionSetup)}`]),
    ...steps.map((step, i) => piece(step, i + 1, terminalOf, steps)),
    ...state.map(({ name, sql, rows }) =>
      [
        comment([`In the end, ${name}:`]),
        statement(sql),
        comment([`expect: ${count(rows.length)}`, ...rows.map(rowText)]),
      ].join("\n"),
    ),
  ];
  return `${parts.join("\n\n")}\n`;
}

type TerminalOf = (session: string) => string;

function piece(
  { sql, session, remarks, step, cancels }: ReproductionStep,
  number: number,
  terminalOf: TerminalOf,
  steps: readonly ReproductionStep[],
): string {
  const before = remarks.map((remark) => `(${remark})`);
  if (cancels !== undefined) return comment([...before, `${number}. ${terminalOf(cancels)}: press Ctrl-C`]);
  const after = step === undefined ? [] : [expectation(step), ...wokenBy(step, steps, terminalOf)];
  const head = comment([...before, `${number}. ${terminalOf(session)}:`]);
  return [head, statement(sql), comment(after)].filter((text) => text !== "").join("\n");
}

function rowText(row: Readonly<Record<string, Json>>): string {
  return Object.entries(row)
    .map(([column, value]) => `${column}=${bare(value)}`)
    .join(", ");
}

function expectation({ outcome, wait }: Step): string {
  if (wait === null) return `expect: ${answer(outcome)}`;
  const goesOn = wait.until === null ? `, and ends by itself: ${answer(outcome)}` : "";
  return `expect: no answer yet, it waits for ${wait.holders.map(oneLine).join(" and ")}${goesOn}`;
}

/** What the statements that a step lets go on answer. */
function wokenBy({ index }: Step, steps: readonly ReproductionStep[], terminalOf: TerminalOf): string[] {
  return steps.flatMap(({ step, session }) =>
    step?.wait?.until === index
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
