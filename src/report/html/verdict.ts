import type { VerdictFile } from "../../explore/verdict.js";
import type { CellSummary, MatrixSummary } from "../matrix-summary.js";
import { matrixSummaryOf } from "../matrix-summary.js";
import {
  summaryOf,
  type ImplementationSummary,
  type VerdictSummary,
  type ViolationSummary,
} from "../verdict-summary.js";
import { html, type Content, type Html } from "./markup.js";

/** Where a counterexample stands on this page, by its file; undefined for one that is not on it. */
export type Anchors = (file: string | null) => string | undefined;

/** The entry of a page: whether all is as expected, and which invariant holds where. */
export function verdictSection(verdict: VerdictFile, anchorOf: Anchors): Html {
  const summary = summaryOf(verdict);
  const matrix = matrixSummaryOf(verdict, { always: true });
  const { asExpected, conclusion, interrupted, environment, implementations, claims } = summary;
  return html`<section id="verdict" aria-labelledby="verdict-title">
    <h2 id="verdict-title" tabindex="-1">${sign(asExpected)} ${conclusion}</h2>
    ${interrupted === null ? null : html`<p class="bad">${interrupted}</p>`}
    ${matrix === null ? null : matrixTable(matrix, anchorOf)} ${claimsTable(claims)}
    <h3>What each verdict rests on</h3>
    ${implementations.map((each) => restsOn(each, anchorOf))}
    <p class="small">${environment.join("; ")}.</p>
  </section>`;
}

function sign(good: boolean): Html {
  return good
    ? html`<span class="sign good" aria-hidden="true">✓</span>`
    : html`<span class="sign bad" aria-hidden="true">✗</span>`;
}

function matrixTable({ invariants, rows }: MatrixSummary, anchorOf: Anchors): Html {
  return html`<h3>Which invariant holds where</h3>
    <p class="small legend">
      <span class="good">✓</span> holds, as far as the row’s claim goes; <span class="unsure">?</span> could not be
      told; <span class="bad">2·1·3</span> broken, the smallest counterexample has 2 operations, 1 fault, 3 switches; ~
      for a moment only.
    </p>
    <div class="scroll" tabindex="0" role="group" aria-label="Verdict matrix">
      <table class="matrix">
        <caption>
          Implementations and conditions by invariants
        </caption>
        <thead>
          <tr>
            <th scope="col">implementation</th>
            ${invariants.map((name) => html`<th scope="col" class="upright"><span>${name}</span></th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ implementation, condition, claim, cells }) =>
              html`<tr>
                <th scope="row" title="${claim}">${implementation}<small>${condition}</small></th>
                ${cells.map((cell, index) => cellOf(cell, invariants[index] ?? "", anchorOf))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function cellOf({ verdict, size, text, file }: CellSummary, invariant: string, anchorOf: Anchors): Html {
  const [kind, shown] = { violates: ["bad", size], holds: ["good", "✓"], inconclusive: ["unsure", "?"] }[verdict] as [
    string,
    string,
  ];
  const anchor = anchorOf(file);
  const title = `${invariant}: ${text}`;
  const inner = html`<span aria-hidden="true">${shown}</span><span class="said">${text}</span>`;
  return html`<td class="${kind}" title="${title}">
    ${anchor === undefined ? inner : html`<a href="#${anchor}">${inner}</a>`}
  </td>`;
}

function claimsTable(claims: VerdictSummary["claims"]): Content {
  if (claims.length === 0) return null;
  const words = { holds: "not refuted", violates: "false", inconclusive: "could not be told" };
  const kinds = { holds: "good", violates: "bad", inconclusive: "unsure" };
  return html`<h3>Claims</h3>
    <div class="scroll" tabindex="0" role="group" aria-label="Claims">
      <table class="claims">
        <caption>
          What was said of the implementations, and what came of it
        </caption>
        <thead>
          <tr>
            <th scope="col">claim</th>
            <th scope="col">of</th>
            <th scope="col">verdict</th>
            <th scope="col">because</th>
          </tr>
        </thead>
        <tbody>
          ${claims.map(
            ({ topic, where, implementations, verdict, text }) =>
              html`<tr>
                <th scope="row">“${topic}”${where === "" ? null : html`<small>${where}</small>`}</th>
                <td>${implementations}</td>
                <td class="${kinds[verdict]}">${words[verdict]}</td>
                <td>${text}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function restsOn(implementation: ImplementationSummary, anchorOf: Anchors): Html {
  const { name, condition, expected, verdict, asExpected, claim, violations, coverage, never, problems } =
    implementation;
  return html`<details class="rests" ${asExpected ? null : html` open`}>
    <summary>
      ${sign(asExpected)} <b>${name}</b>${condition === "" ? null : `, ${condition}`}: ${verdict}<small
        >expected: ${expected}</small
      >
    </summary>
    <ul>
      <li>${claim}</li>
      ${violations.map((each) => violationOf(each, anchorOf))}${problems.map((text) => html`<li class="bad">${text}</li>`)}${coverage.map((text) => html`<li>${text}</li>`)}${never.map((text) => html`<li class="unsure">${text}</li>`)}
    </ul>
  </details>`;
}

function violationOf({ signature, messages, size, seen, file }: ViolationSummary, anchorOf: Anchors): Html {
  const anchor = anchorOf(file);
  const name = html`<b>${signature}</b>`;
  return html`<li>
    ${anchor === undefined ? name : html`<a href="#${anchor}">${name}</a>`}: ${size};
    ${seen}${anchor === undefined && file !== null ? html`; <code>${file}</code>` : null}
    <ul>
      ${messages.map((text) => html`<li>${text}</li>`)}
    </ul>
  </li>`;
}
