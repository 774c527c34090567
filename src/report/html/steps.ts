import type { Counterexample } from "../../shrink/counterexample.js";
import { foldMark, type Line } from "../lines.js";
import type { Row, StateCell, Timeline } from "../timeline.js";
import { beginning, detailsOf, type PartOfPage } from "./details.js";
import { html, type Content, type Html } from "./markup.js";
import { hueOf } from "./hue.js";

/** The timeline as a table: a row with an anchor for each step, a column for each actor, and the state. */
export function stepsTable(counterexample: Counterexample, timeline: Timeline, part: PartOfPage): Html {
  const { id } = part;
  const { actors, display, rows, folds } = timeline;
  const details = detailsOf(counterexample, part);
  const before = beginning(counterexample, id);
  const hues = actorsOf(counterexample).map((actor) => hueOf(counterexample, actor));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Timeline">
    <table class="steps">
      <caption>
        Timeline: one row for each step
      </caption>
      <thead>
        <tr>
          <th scope="col">step</th>
          ${actors.map((name, index) => html`<th scope="col" class="${hues[index] ?? "hue0"}">${name}</th>`)}${display.length === 0 ? null : html`<th scope="col">state</th>`}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row, at) => {
          const fold = folds.find(({ from, to }) => from <= at && at <= to);
          const context = {
            timeline,
            id,
            hues,
            details,
            before,
            dull: fold !== undefined,
          };
          return [fold?.from === at ? foldRow(fold.text, timeline) : null, rowOf(row, context)];
        })}
      </tbody>
    </table>
  </div>`;
}

function actorsOf({ program, trace }: Counterexample): string[] {
  const busy = program.actors.filter(({ operations }) => operations.length > 0).map(({ name }) => name);
  return [...new Set([...busy, ...trace.steps.map(({ actor }) => actor)])];
}

interface Context {
  readonly timeline: Timeline;
  readonly id: string;
  readonly hues: readonly string[];
  readonly details: readonly Html[];
  readonly before: Html | null;
  /** Whether it may be folded. */
  readonly dull: boolean;
}

/** What stands for the rows behind it while they are folded. */
function foldRow(text: string, { actors, display }: Timeline): Html {
  return html`<tr class="fold" hidden>
    <th scope="row">${foldMark}</th>
    <td colspan="${actors.length + (display.length === 0 ? 0 : 1)}">${text}</td>
  </tr>`;
}

function rowOf(row: Row, { timeline, id, hues, details, before, dull }: Context): Html {
  const { kind, number, actor, switched, because, lines, brackets } = row;
  const anchor =
    kind === "step"
      ? html`id="${id}-s${number}" data-step="${number}"`
      : kind === "before"
        ? html`id="${id}-s0" data-step="0"`
        : html`data-of="${number}"`;
  const said = kind === "completed" ? `${number} goes on` : kind === "before" ? "begin" : String(number);
  const head =
    kind === "completed" ? html`<span class="goes-on">${said}</span>` : html`<a href="#${id}-s${number}">${said}</a>`;
  const more = kind === "step" ? details[number - 1] : kind === "before" ? before : null;
  const own = html`${lines.map(lineOf)}${
    more === null || more === undefined
      ? null
      : html`<details class="more">
          <summary>${kind === "before" ? "Tables at the beginning" : "Details"}</summary>
          <div class="detail">${more}</div>
        </details>`
  }`;
  return html`${
      switched && because !== null
        ? html`<tr class="because">
            <td></td>
            <td colspan="${timeline.actors.length + (timeline.display.length === 0 ? 0 : 1)}">${because}</td>
          </tr>`
        : null
    }
    <tr ${anchor} class="${kind}${switched ? " switched" : ""}${dull ? " dull" : ""}">
      <th scope="row">
        ${switched ? html`<span class="said">switch to ${timeline.actors[actor ?? -1] ?? ""}: </span>` : null}${head}
      </th>
      ${timeline.actors.map((name, index) => {
        const mine = index === actor || (kind === "before" && index === 0);
        const label = mine && kind !== "before" ? html` data-actor="${name}"` : null;
        return html`<td class="${hues[index] ?? "hue0"} in-${brackets[index] ?? "none"}${mine ? " own" : ""}" ${label}>
          ${mine ? own : null}
        </td>`;
      })}${timeline.display.length === 0 ? null : html`<td class="state">${stateOf(row, timeline)}</td>`}
    </tr>`;
}

function lineOf({ kind, chunks }: Line): Html {
  return html`<div class="line ${kind}">
    ${chunks.map((chunk, index) => [index === 0 ? null : " ", html`<span class="chunk">${chunk.map(({ text, role }) => html`<span class="r-${role}">${text}</span>`)}</span>`])}
  </div>`;
}

function stateOf({ state }: Row, { display }: Timeline): Content {
  if (state === null) return null;
  return html`<dl>
    ${state.map(
      (cell, column) =>
        html`<div>
          <dt>${display[column] ?? ""}</dt>
          ${valuesOf(cell)}
        </div>`,
    )}
  </dl>`;
}

function valuesOf({ lines, changed }: StateCell): Content {
  return lines.map((text) => (changed ? html`<dd class="changed"><mark>${text}</mark></dd>` : html`<dd>${text}</dd>`));
}
