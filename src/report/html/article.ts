import type { Step } from "../../execution/trace.js";
import type { Counterexample, OriginalStep } from "../../shrink/counterexample.js";
import { stepText, outcomeLine, textOf } from "../lines.js";
import { cut, visible } from "../text.js";
import { breaksText, timelineOf, type Timeline } from "../timeline.js";
import { reasonsOf, type Sentence } from "../why.js";
import { plainTables } from "../tables.js";
import type { Told } from "../report.js";
import type { PartOfPage } from "./details.js";
import { hueOf } from "./hue.js";
import { html, type Content, type Html } from "./markup.js";
import { picture } from "./picture.js";
import { stepsTable } from "./steps.js";

/** A counterexample as a part of a page: what broke, why, how to run it again, and step by step what happened. */
export function article({ counterexample, replayCommand }: Told, part: PartOfPage, isOnly: boolean): Html {
  const { id } = part;
  const timeline = timelineOf(counterexample);
  const { model, implementation, violations, initial, size, shrunk, confirmed, environment, why } = timeline;
  return html`<article id="${id}" data-steps="${counterexample.trace.steps.length}" aria-labelledby="${id}-title">
${isOnly ? null : html`<p class="back"><a href="#verdict">← The verdict</a></p>`}
<h2 id="${id}-title" tabindex="-1"><span class="sign bad" aria-hidden="true">✗</span> ${implementation} <small>${counterexample.condition}</small></h2>
<p class="lead">${model} ${breaksText(violations)}.</p>
<ul class="broken">${violations.map(({ invariant, way, message }) => html`<li><b>${invariant}</b> (${way})<br />${message}</li>`)}</ul>
${reasons(timeline, id)}
<div class="replay"><h3>Run it again</h3><pre tabindex="0"><code>${replayCommand}</code></pre><button type="button" class="copy" hidden>Copy</button></div>
<h3>What happened</h3>
<p class="begin">${initial === null ? null : html`Starts from <code>${initial}</code>. `}${timeline.program.map(
    ({ actor, operations }, index) =>
      html`${index === 0 ? null : "; "}<b
          class="${hueOf(counterexample, counterexample.program.actors[index]?.name ?? "")}"
          >${actor}</b
        >
        runs ${operations.length === 0 ? "nothing" : operations.join(", then ")}`,
  )}.</p>
${picture(counterexample, id)}
<div class="walk">
<div class="table">${stepsTable(counterexample, timeline, part)}</div>
<section class="inspector" aria-label="The step at hand" hidden></section>
</div>
${counterexample.explanation === undefined ? finalState(counterexample) : null}
${swapped(counterexample)}
${shrinking(counterexample, timeline)}
<h3>How sure it is</h3>
<ul class="proof"><li${confirmed.always ? null : html` class="bad"`}>${confirmed.text}.</li>${why.proof.map((sentence) => html`<li>${sentenceOf(sentence, id)}</li>`)}<li>${size}${shrunk === null ? "" : `; ${shrunk}`}.</li><li class="small">${environment}.</li></ul>
</article>`;
}

function reasons({ why }: Timeline, id: string): Content {
  const told = reasonsOf(why);
  if (told.length === 0) return null;
  return html`<div class="why">
    <h3>Why</h3>
    ${told.map((sentence) => html`<p>${sentenceOf(sentence, id)}</p>`)}
  </div>`;
}

function sentenceOf(sentence: Sentence, id: string): Html {
  return html`${sentence.map((part) =>
    typeof part === "string" ? part : html`<a href="#${id}-s${part.step}">step ${part.step}</a>`,
  )}`;
}

/** The rows in the end, where nothing was seen on the way. */
function finalState({ trace }: Counterexample): Content {
  const tables = plainTables(trace.state);
  if (tables.length === 0) return null;
  return html`<details class="final">
    <summary>The state in the end</summary>
    ${tables.map(
      ({ name, columns, rows }) =>
        html`<div class="scroll" tabindex="0" role="group" aria-label="${name}">
          <table class="data">
            <caption>
              ${name}
            </caption>
            <thead>
              <tr>
                ${columns.map((column) => html`<th scope="col">${column}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                ({ cells }) =>
                  html`<tr>
                    ${cells.map(({ text }) => html`<td>${text}</td>`)}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
    )}
  </details>`;
}

/** The failing order beside the nearest one that passes. */
function swapped(counterexample: Counterexample): Content {
  const passing = counterexample.explanation?.swap?.passing ?? null;
  if (passing === null) return null;
  const { first, second, steps } = passing;
  const { trace } = counterexample;
  // Up to the swap the two are the same, but for what was moved out of the way.
  const turned = [trace.steps[first], trace.steps[second]];
  const partner = (step: Step | undefined) =>
    steps.findIndex(({ index, session, text }) => index >= first && session === step?.session && text === step.text);
  const marked = new Set(turned.map((step) => partner(step)));
  return html`<h3>The swap that matters</h3>
    <div class="beside">
      <div>
        <h4><span class="bad">✗</span> As it was: it breaks</h4>
        ${orderOf(trace.steps, counterexample, new Set([first, second]))}
      </div>
      <div>
        <h4><span class="good">✓</span> Steps ${first + 1} and ${second + 1} the other way round: it holds</h4>
        ${orderOf(steps, counterexample, marked)}
      </div>
    </div>`;
}

/** What it was shrunk from, beside what it is. */
function shrinking(counterexample: Counterexample, { shrunk }: Timeline): Content {
  const { original, trace } = counterexample;
  if (original === undefined || shrunk === null) return null;
  return html`<details class="shrinking">
    <summary>Before and after shrinking (${original.length} steps, ${trace.steps.length} steps)</summary>
    <div class="beside">
      <div>
        <h4>As it was found; what is struck out is not needed</h4>
        ${orderOf(original, counterexample, new Set(), goneOf(original, trace.steps))}
      </div>
      <div>
        <h4>As it is told</h4>
        ${orderOf(trace.steps, counterexample, new Set())}
      </div>
    </div>
  </details>`;
}

/** Longest line of an order, in characters. */
const longest = 110;

/** Steps of the one, by their places, that the other has not in this order. */
function goneOf(original: readonly OriginalStep[], kept: readonly Step[]): ReadonlySet<number> {
  const gone = new Set(original.keys());
  let from = 0;
  for (const { actor, text } of kept) {
    const at = original.findIndex((step, index) => index >= from && step.actor === actor && step.text === text);
    if (at < 0) continue;
    gone.delete(at);
    from = at + 1;
  }
  return gone;
}

function orderOf(
  steps: readonly (OriginalStep & Partial<Step>)[],
  of: Counterexample,
  marked: ReadonlySet<number>,
  gone: ReadonlySet<number> = new Set(),
): Html {
  return html`<ol class="order">
    ${steps.map((step, index) => {
      const mark = marked.has(index);
      const whole = {
        index,
        operation: 0,
        values: [],
        wait: null,
        transaction: "none",
        outcome: { kind: "passed" },
        ...step,
      } as Step;
      const outcome = outcomeLine(whole);
      const text = cut(
        `${textOf([stepText({ ...whole, session: whole.actor })])}${outcome === null ? "" : ` ${textOf([outcome])}`}`,
        longest,
      );
      return html`<li${mark ? html` class="swapped"` : null}><b class="${hueOf(of, step.actor)}">${visible(step.session)}</b> ${mark ? html`<mark>${text}</mark>` : gone.has(index) ? html`<del>${text}</del>` : text}</li>`;
    })}
  </ol>`;
}
