import { withoutBraces } from "./literal.js";
import type { Reproduction, ReproductionStep } from "./reproduction.js";
import { oneLine } from "./text.js";

/**
 * The reproduction as a spec file for PostgreSQL's isolationtester: a session for each of raceproof's, a step for each
 * statement, the order of the record as its one permutation, and in the end the queries that show the state.
 */
export function toSpec({ title, setups, sessions, sessionSetup, steps, state }: Reproduction): string {
  const parts = [
    [
      ...title.map((line) => `# ${oneLine(line)}`),
      '# isolationtester "dbname=…" < FILE, or raceproof spec FILE --format isolationtester',
    ].join("\n"),
    ...setups.map((sql) => `setup\n${block(sql)}`),
    ...sessions.map((name) =>
      session(
        name,
        sessionSetup,
        steps.filter((step) => step.session === name),
      ),
    ),
    ["session final", ...state.map(({ name, sql }) => `step ${quoted(finalName(name))}\n${block(sql)}`)].join("\n"),
  ];
  const order = [...steps.map(({ name }) => name), ...state.map(({ name }) => quoted(finalName(name)))];
  return `${(state.length === 0 ? parts.slice(0, -1) : parts).join("\n\n")}\n\npermutation ${order.join(" ")}\n`;
}

function session(name: string, setup: string | undefined, steps: readonly ReproductionStep[]): string {
  const lines = steps.flatMap(({ name: step, sql, remarks }) => [
    ...remarks.map((remark) => `# ${oneLine(remark)}`),
    `step ${step}\n${block(sql)}`,
  ]);
  return [`session ${quoted(name)}`, ...(setup === undefined ? [] : [`setup ${block(setup)}`]), ...lines].join("\n");
}

function finalName(state: string): string {
  return `final ${state}`;
}

function quoted(name: string): string {
  return `"${oneLine(name).replaceAll('"', '""')}"`;
}

/** What ends in a comment to the end of the line must not swallow the brace. */
function block(sql: string): string {
  const text = withoutBraces(sql.trim());
  return text.includes("\n") || text.includes("--") ? `{\n${text}\n}` : `{ ${text} }`;
}
