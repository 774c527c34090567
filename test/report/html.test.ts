import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";

import { html } from "../../src/report/html/markup.js";
import { renderHtml } from "../../src/report/html/page.js";
import { text } from "./arbitraries.js";
import { bank, counterexamples, hostile, nasty } from "./fixtures.js";
import { reportOf } from "./reports.js";
import { stories, withNastyExplanation } from "./stories.js";

/** The page without what all pages have in common. */
function bodyOf(page: string): string {
  return page
    .replace(/<style>[^]*?<\/style>/u, "")
    .replace(/<script>[^]*?<\/script>/u, "")
    .replace(/ content="default-src[^"]*"/u, "");
}

const { redelivery, lockWait, deadlock, yieldPoints } = counterexamples;
const shown = { bank, redelivery, lockWait, deadlock, yieldPoints, ...stories };

test.each(Object.entries(shown))("%s as a page", async (name, counterexample) => {
  const told = { counterexample, file: `${name}.json`, replayCommand: `npx raceproof replay ${name}.json` };
  await expect(bodyOf(renderHtml({ verdict: null, counterexamples: [told] }))).toMatchFileSnapshot(
    `golden/html/${name}.html.txt`,
  );
});

test("a report with its verdict, and text that tries to break out everywhere", async () => {
  const report = reportOf({ hostile: withNastyExplanation(hostile, nasty), bank });
  await expect(bodyOf(renderHtml(report))).toMatchFileSnapshot("golden/html/report.html.txt");
});

test("nothing in a page is fetched, and only its own script may run", () => {
  const page = renderHtml(reportOf({ bank }));
  expect(page).not.toMatch(
    /(?:src|action|formaction|poster|srcset)=|url\((?!#)|@import|https?:\/\/|<(?:img|iframe|object|embed|link|base|form)\b/iu,
  );
  expect(page.match(/<script/gu)).toHaveLength(1);
  expect(page.match(/ on\w+=| style=/gu)).toBeNull();
  for (const name of ["style.css", "script.js"]) {
    const asset = readFileSync(new URL(`../../src/report/html/${name}`, import.meta.url), "utf8");
    expect(asset).not.toMatch(/<\/(?:style|script)|<!--/iu);
    expect(page).toContain(asset);
  }
});

test("any text in an element or an attribute is text", () => {
  fc.assert(
    fc.property(text, (value) => {
      const markup = html`<p title="${value}">${value}</p>`.toString();
      expect(markup.match(/[<>"]/gu)).toHaveLength(6);
      expect(markup.replace(/&(?:amp|lt|gt|quot|#39|#96);/gu, "")).not.toMatch(/[&'`]/u);
    }),
  );
});
