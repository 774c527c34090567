import type { Counterexample } from "../shrink/counterexample.js";
import { completionsOf } from "./completions.js";
import { outcomeLine, stepText, textOf } from "./lines.js";
import { cut, oneLine, visible } from "./text.js";

/** Longer diagrams are no picture any more. */
const mostSteps = 25;
const longest = 70;

/**
 * The execution as a Mermaid sequence diagram, as GitHub draws it: actors beside the database, waits as notes. Null where it
 * is too long to be read.
 */
export function mermaidOf({ program, trace }: Counterexample): string[] | null {
  const { steps } = trace;
  if (steps.length > mostSteps || steps.length === 0) return null;
  const actors = [...new Set([...program.actors.map(({ name }) => name), ...steps.map(({ actor }) => actor)])];
  const id = (actor: string) => `a${actors.indexOf(actor) + 1}`;
  const completions = completionsOf(steps);
  const lines = steps.flatMap((step) => {
    const who = id(step.actor);
    const said = `${step.index + 1} ${textOf([stepText(step)])}`;
    const outcome = outcomeLine(step);
    const answer = outcome === null || step.wait !== null ? "" : ` ${textOf([outcome])}`;
    const own =
      step.kind === "statement" ? `${who}->>db: ${label(`${said}${answer}`)}` : `Note over ${who}: ${label(said)}`;
    const holders =
      step.wait === null
        ? []
        : [
            `Note over ${who}: ${label(`waits for ${step.wait.holders.join(", ")}: ${step.wait.on ?? step.wait.lock}`)}`,
          ];
    const over = (completions.get(step.index) ?? []).map((done) => {
      const came = outcomeLine(done);
      return `db-->>${id(done.actor)}: ${label(`${done.index + 1} goes on${came === null ? "" : ` ${textOf([came])}`}`)}`;
    });
    return [own, ...holders, ...over];
  });
  return [
    "sequenceDiagram",
    ...actors.map((actor) => `  participant ${id(actor)} as ${label(visible(actor))}`),
    "  participant db as Postgres",
    ...lines.map((line) => `  ${line}`),
  ];
}

/** What ends a statement of Mermaid's, or begins markup, becomes a character reference of its own: `#35;`. */
function label(text: string): string {
  const safe = cut(oneLine(text), longest).replace(
    /[#;<>&"`%{}\\[\]|]/gu,
    (character) => `#${character.codePointAt(0)};`,
  );
  return safe === "" ? "-" : safe;
}
