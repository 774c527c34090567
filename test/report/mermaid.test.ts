import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

import { mermaidOf } from "../../src/report/mermaid.js";
import { counterexample } from "./arbitraries.js";
import { browserForFile, noBrowser } from "./browser.js";
import { counterexamples, hostile } from "./fixtures.js";
import { stories } from "./stories.js";

const missing = noBrowser();
const open = browserForFile();
const mermaid = readFileSync(createRequire(import.meta.url).resolve("@mermaid-js/tiny"), "utf8");

/** What Mermaid itself draws, as GitHub has it do so: the texts of each picture, and what is in it that could act. */
async function drawn(page: Page, diagrams: readonly string[]): Promise<{ texts: string[]; active: number }[]> {
  const draw = `(async (diagrams) => {
    mermaid.initialize({ startOnLoad: false, securityLevel: "strict", suppressErrorRendering: true });
    const pictures = [];
    for (const [index, diagram] of diagrams.entries()) {
      try {
        const { svg } = await mermaid.render("picture" + index, diagram);
        const made = new DOMParser().parseFromString(svg, "text/html");
        const labels = [...made.querySelectorAll("text.messageText, text.noteText, text.actor-box")];
        pictures.push({
          texts: [...labels.map((label) => label.textContent)],
          active: made.querySelectorAll("script, iframe, img, [onload], [onclick], [onerror], a").length,
        });
      } catch (error) {
        pictures.push({ texts: [String(error), diagram], active: 0 });
      }
    }
    return pictures;
  })`;
  return (await page.evaluate(`${draw}(${JSON.stringify(diagrams)})`)) as { texts: string[]; active: number }[];
}

describe.skipIf(missing !== undefined)("Mermaid itself", () => {
  const attack = `"; participant x; Note over a1: y #59; %% <script>alert(1)</script> end\nalt x\nclick a1 "javascript:alert(1)"`;
  const shown = {
    ...counterexamples,
    ...stories,
    attacked: {
      ...hostile,
      trace: {
        ...hostile.trace,
        steps: hostile.trace.steps.map((step) => ({ ...step, text: attack, values: [attack] })),
      },
    },
  };

  test("draws every story with a picture for each of its lines, whatever is in its texts", async () => {
    const arbitrary = fc.sample(counterexample, { numRuns: 15, seed: 1 });
    const diagrams = [...Object.values(shown), ...arbitrary].flatMap((story) => {
      const lines = mermaidOf(story);
      return lines === null ? [] : [lines];
    });
    expect(diagrams.length).toBeGreaterThan(20);
    const { page, trouble } = await open("<!doctype html><title>diagrams</title><body></body>");
    await page.addScriptTag({ content: mermaid });
    const pictures = await drawn(
      page,
      diagrams.map((lines) => lines.join("\n")),
    );
    for (const [index, lines] of diagrams.entries()) {
      const said = lines.filter((line) => /^ {2}(?:\w+-{1,2}>>|Note over)/u.test(line));
      const { texts, active } = pictures[index]!;
      const participants = lines.filter((line) => line.startsWith("  participant"));
      expect([texts.length, active]).toEqual([said.length + 2 * participants.length, 0]);
    }
    const attacked = pictures[Object.keys(shown).indexOf("attacked")]!;
    expect(attacked.texts).toContain('2 "; participant x; Note over a1:…"javascript:alert(1)"');
    expect(trouble).toEqual([]);
  });
});
