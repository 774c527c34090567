import type { Json } from "../../execution/program.js";
import type { Step } from "../../execution/trace.js";
import type { Explanation, Site } from "../../explanation/explanation.js";
import type { Counterexample } from "../../shrink/counterexample.js";
import { bare, count, cut, enumerate, oneLine, visible } from "../text.js";
import { isOurs, uriOf } from "../place.js";
import { tablesOf, type TableRow, type TableView, type Tables } from "../tables.js";
import { html, lines, type Content, type Html } from "./markup.js";

/** Longest SQL text that is shown, in characters. */
const longestSql = 20_000;

/** Where a counterexample stands in a page, and where its code is. */
export interface PartOfPage {
  /** What its anchors begin with. */
  readonly id: string;
  /** A url, with a slash at its end, under which the files of the project are; undefined for nowhere. */
  readonly code: string | undefined;
}

/** All that is known of each step, by its index: its SQL, what came back, where it stands in the code, and what could be seen after it. */
export function detailsOf({ trace, explanation }: Counterexample, { id, code }: PartOfPage): Html[] {
  const tables = explanation === undefined ? [] : tablesOf(explanation);
  let last = 0;
  const shown = new Map<string, number>();
  return trace.steps.map((step) => {
    const now = tables[step.index + 1];
    if (now?.committed !== null) last = step.index + 1;
    return html`${sqlOf(step)}${valuesOf(step)}${outcomeOf(step)}${waitOf(step, id)}${explanation === undefined ? null : codeOf(explanation, step.index, { shown, id, code })}${now === undefined ? null : seen(now, last, id)}`;
  });
}

/** What could be seen before the first step; null where that is not known. */
export function beginning({ explanation }: Counterexample, id: string): Html | null {
  const first = explanation === undefined ? undefined : tablesOf(explanation)[0];
  return first === undefined ? null : seen(first, 0, id);
}

function sqlOf({ kind, text }: Step): Html {
  const said = { statement: "SQL", yield: "Yield point", crash: "The process dies before" }[kind];
  return html`<h4>${said}</h4>
    <pre class="sql" tabindex="0"><code>${lines(cut(text, longestSql))}</code></pre>`;
}

function valuesOf({ values }: Step): Content {
  if (values.length === 0) return null;
  const items = values.map((value, index) => html`<li><b>$${index + 1}</b> ${cut(bare(value), 400)}</li>`);
  return html`<h4>Parameters</h4>
    <ul class="values">
      ${items}
    </ul>`;
}

function outcomeOf({ outcome, fault, transaction }: Step): Html {
  const state = { none: "", open: "; its transaction is open", failed: "; its transaction has failed" }[transaction];
  if (outcome.kind === "passed") return html``;
  if (outcome.kind === "error")
    return html`<h4>Answer</h4>
      <p class="bad">
        ${fault === undefined ? "" : `${fault}: `}ERROR${outcome.code === null ? "" : ` ${outcome.code}`}:
        ${oneLine(outcome.message)}${state}
      </p>`;
  const rows = outcome.rowCount === null ? "" : `, ${count(outcome.rowCount, "row")}`;
  return html`<h4>Answer</h4>
    <p>${outcome.command}${rows}${state}</p>
    ${outcome.rows === undefined || outcome.rows.length === 0 ? null : rowsOf(outcome.rows, outcome.rowCount)}`;
}

/** Rows that came back: the first few are in the record. */
function rowsOf(rows: readonly Json[], rowCount: number | null): Html {
  const records = rows.map((row) => {
    const isRecord = typeof row === "object" && row !== null && !Array.isArray(row);
    return (isRecord ? row : { value: row }) as Readonly<Record<string, Json>>;
  });
  const columns = [...new Set(records.flatMap((row) => Object.keys(row)))];
  const more = (rowCount ?? rows.length) - rows.length;
  return tableOf(
    {
      name: "rows",
      columns: columns.map((name) => oneLine(name)),
      rows: records.map((row) => ({
        fate: "same",
        cells: columns.map((name) => ({
          text: row[name] === undefined ? "" : cut(bare(row[name]), 120),
          changed: false,
        })),
      })),
      more: Math.max(0, more),
    },
    "Rows that came back",
  );
}

function waitOf({ index, wait }: Step, id: string): Content {
  if (wait === null) return null;
  const whom = wait.holders.length === 0 ? "" : ` for ${enumerate(wait.holders.map((name) => visible(name)))}`;
  const end =
    wait.until === null || wait.until === index
      ? "it ended by itself"
      : html`<a href="#${id}-s${wait.until + 1}">step ${wait.until + 1}</a> let it go on`;
  return html`<h4>Lock wait</h4>
    <p class="waits">
      It waited${whom}: ${oneLine(wait.on ?? wait.lock)}${wait.on === null ? "" : ` (${oneLine(wait.lock)})`}; ${end}.
    </p>`;
}

/** The line of code with those around it; where an earlier step has shown them, it says which. */
function codeOf(
  { sites, sources }: Explanation,
  index: number,
  { shown, id, code }: PartOfPage & { readonly shown: Map<string, number> },
): Content {
  const site = sites[index];
  if (site === undefined || site === null) return null;
  const where = `${site.file}:${site.line}${site.function === null ? "" : ` in ${site.function}`}`;
  const key = `${site.file}:${site.line}`;
  const before = shown.get(key);
  shown.set(key, before ?? index + 1);
  return html`<h4>Code</h4>
    <p class="where"><code>${link(where, site, code)}</code></p>
    ${
      before === undefined
        ? excerptOf(site, sources)
        : html`<p class="same-code" data-as="${before}">
            The same as of <a href="#${id}-s${before}">step ${before}</a>.
          </p>`
    }`;
}

/** To the line itself, where code is shown by the line; else to the file. */
function link(where: string, site: Site, code: string | undefined): Content {
  if (code === undefined || !isOurs(site)) return where;
  const line = /^https?:/u.test(code) ? `#L${site.line}` : "";
  return html`<a href="${code}${uriOf(site.file)}${line}">${where}</a>`;
}

/** Lines before and after the one that issued the statement. */
const around = 4;

function excerptOf({ file, line }: Site, sources: Explanation["sources"]): Content {
  const source = sources.find(
    (each) => each.file === file && line >= each.from && line < each.from + each.lines.length,
  );
  if (source === undefined) return null;
  const first = Math.max(source.from, line - around);
  const shown = source.lines.slice(first - source.from, line + around + 1 - source.from);
  const numbered = shown.map((text, at) => {
    const number = first + at;
    return number === line
      ? html`<mark><i>${number}</i> ${cut(text, 300)}</mark>`
      : html`<span><i>${number}</i> ${cut(text, 300)}</span>`;
  });
  return html`<pre class="code" tabindex="0"><code>${numbered}</code></pre>`;
}

/** The tables as everybody sees them, and as open transactions do. */
function seen({ committed, sessions }: Tables, last: number, id: string): Html {
  const everybody =
    committed === null
      ? html`<p class="unchanged" data-as="${last}">
          As committed: nothing
          changed${last === 0 ? " since the beginning" : html` since <a href="#${id}-s${last}">step ${last}</a>`}.
        </p>`
      : html`<h4>As committed</h4>
          <div class="tables">${committed.map((view) => tableOf(view, view.name))}</div>`;
  return html`<section class="seen">
    ${everybody}${sessions.map(
      ({ session, tables }) =>
        html`<h4>As ${session} sees it, in its open transaction</h4>
          <div class="tables">${tables.map((view) => tableOf(view, view.name))}</div>`,
    )}
  </section>`;
}

function tableOf({ columns, rows, more }: TableView, caption: string): Html {
  const body =
    rows.length === 0
      ? html`<tr>
          <td class="nothing" colspan="${Math.max(1, columns.length)}">no rows</td>
        </tr>`
      : rows.map(rowOf);
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}">
    <table class="data">
      <caption>
        ${caption}
      </caption>
      ${
        columns.length === 0
          ? null
          : html`<thead>
              <tr>
                ${columns.map((name) => html`<th scope="col">${name}</th>`)}
              </tr>
            </thead>`
      }
      <tbody>
        ${body}
      </tbody>
    </table>
    ${more === 0 ? null : html`<p class="more-rows">and ${count(more, "row")} more</p>`}
  </div>`;
}

function rowOf({ cells, fate }: TableRow): Html {
  const said = {
    same: null,
    changed: null,
    new: html`<span class="said">new: </span>`,
    gone: html`<span class="said">gone: </span>`,
  }[fate];
  return html`<tr class="${fate}">
    ${cells.map(({ text, changed }, index) => {
      const shown = html`${index === 0 ? said : null}${text}`;
      if (fate === "gone") return html`<td><del>${shown}</del></td>`;
      return changed ? html`<td class="changed"><mark>${shown}</mark></td>` : html`<td>${shown}</td>`;
    })}
  </tr>`;
}
