import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";

import { renderHtml } from "../../src/report/html/page.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";
import { browserForFile, noBrowser } from "./browser.js";
import { bank, counterexamples, hostile, nasty } from "./fixtures.js";
import { reportOf } from "./reports.js";
import { long, stories, withNastyExplanation } from "./stories.js";

const missing = noBrowser();
if (missing !== undefined) process.stderr.write(`pages are NOT looked at: ${missing}\n`);
const open = browserForFile();

const report = renderHtml(reportOf({ bank, threeDeadlock: stories.threeDeadlock, lockWait: counterexamples.lockWait }));

function alone(counterexample: Counterexample): string {
  return renderHtml({
    verdict: null,
    counterexamples: [{ counterexample, file: "x.json", replayCommand: "npx raceproof replay x.json" }],
  });
}

/** What the page shows of the step at hand. */
async function at(page: Page): Promise<string | null> {
  return page.locator("article:visible .at").textContent();
}

const sizes = {
  desk: { width: 1400, height: 900 },
  tablet: { width: 820, height: 1100 },
  phone: { width: 390, height: 844 },
};

describe.skipIf(missing !== undefined)("in a browser", () => {
  test("a cell of the matrix opens its counterexample, Escape leads back", async () => {
    const { page, trouble } = await open(report);
    expect(await page.locator("article:visible").count()).toBe(0);
    await page.locator(".matrix a").first().click();
    await page.locator("article:visible").waitFor();
    expect(await page.locator("article:visible").count()).toBe(1);
    expect(await page.locator("#verdict:visible").count()).toBe(0);
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H2");
    await page.keyboard.press("Escape");
    await page.locator("#verdict:visible").waitFor();
    await page.goBack();
    await page.locator("article:visible").waitFor();
    expect(trouble).toEqual([]);
  });

  test("stepping by keyboard, by buttons, by clicking a row and a box", async () => {
    const { page, trouble } = await open(alone(bank));
    expect(await at(page)).toBe("Before the first step");
    await page.keyboard.press("ArrowRight");
    expect(await at(page)).toBe("Step 1 of 6: alice");
    expect(page.url()).toMatch(/#c1-s1$/u);
    await page.keyboard.press("j");
    await page.getByRole("button", { name: "One step forward" }).click();
    expect(await at(page)).toBe("Step 3 of 6: bob");
    expect(await page.locator("tr.current").getAttribute("aria-current")).toBe("step");
    expect(await page.locator("a.box.current").textContent()).toContain("3 bob: UPDATE account");
    await page.getByRole("button", { name: "One step back" }).click();
    await page.keyboard.press("k");
    expect(await at(page)).toBe("Step 1 of 6: alice");
    await page.keyboard.press("End");
    expect(await at(page)).toBe("Step 6 of 6: alice");
    expect(await page.getByRole("button", { name: "One step forward" }).isDisabled()).toBe(true);
    await page.keyboard.press("Home");
    await page.locator("tr[data-step='4'] td.own").click();
    expect(await at(page)).toBe("Step 4 of 6: bob");
    // Of a link the page hears once it has been followed.
    await page.locator("a.box").nth(4).click();
    await expect.poll(() => at(page)).toBe("Step 5 of 6: alice");
    await page.locator(".why a").first().click();
    await expect.poll(() => at(page)).toBe("Step 1 of 6: alice");
    expect(trouble).toEqual([]);
  });

  test("at each step its SQL, parameters, rows, code and tables, with what changed marked", async () => {
    const { page } = await open(alone(bank), { hash: "#c1-s3" });
    const inspector = page.locator(".inspector");
    expect(await inspector.innerText()).toContain("UPDATE account SET balance = $2 WHERE id = $1");
    expect(await inspector.locator(".values li").allInnerTexts()).toEqual(["$1 1", "$2 40"]);
    expect(await inspector.locator(".where").innerText()).toBe("src/transfer.ts:12 in transfer");
    expect((await inspector.locator(".code mark").innerText()).trim()).toMatch(
      /^12 +await pool\.query\("UPDATE account SET/u,
    );
    expect(await inspector.locator(".data td.changed").allInnerTexts()).toEqual(["40"]);
    await page.keyboard.press("ArrowLeft");
    expect(await inspector.locator(".data caption").allInnerTexts()).toEqual(["Rows that came back", "account"]);
    // What did not change is shown as it was, unmarked.
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    expect(await inspector.locator("h4").last().innerText()).toBe("As committed (unchanged)");
    expect(await inspector.locator(".stale-copy td").allInnerTexts()).toEqual(["1", "40", "2", "60"]);
  });

  test("what nobody notices is folded, and stepping passes over it", async () => {
    const { page } = await open(alone(stories.polling));
    const fold = page.getByRole("button", { name: "Fold 9 steps that tell nothing" });
    const before = await page.locator("tr[data-step]:visible").count();
    await fold.click();
    expect(await fold.getAttribute("aria-pressed")).toBe("true");
    const folded = await page.locator("tr[data-step]:visible").count();
    expect(folded).toBe(before - 9);
    expect(await page.locator("tr.fold:visible").allInnerTexts()).toEqual([
      "⋯\tsteps 2 to 4 change nothing",
      "⋯\tsteps 8 to 13: the 2 steps above, 3 times more",
    ]);
    for (let i = 0; i < folded; i++) await page.keyboard.press("ArrowRight");
    expect(await at(page)).toBe("Step 16 of 16: worker");
    await page.keyboard.press("f");
    expect(await page.locator("tr[data-step]:visible").count()).toBe(before);
  });

  test("waits are drawn from the waiter to the holder", async () => {
    const { page } = await open(alone(stories.threeDeadlock));
    expect(await page.locator("svg .wait title").allTextContents()).toEqual([
      "a waits for b from step 7 to step 10",
      "b waits for c from step 8 to step 9",
      "c waits for a from step 9 to step 9",
    ]);
    expect(await page.locator("svg .held").count()).toBe(3);
    expect(await page.locator("svg .transaction").count()).toBe(3);
    expect(await page.locator("svg .transaction.failed").count()).toBe(1);
  });

  test("the command is there to be copied", async () => {
    const { page } = await open(alone(bank));
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("npx raceproof replay x.json");
  });

  test("without scripts everything is there: headings, and a row with an anchor for each step", async () => {
    const { page } = await open(report, { scripts: false, hash: "#c1-s3" });
    expect(await page.locator("article:visible").count()).toBe(3);
    expect(await page.locator("#c1 h2, #c1 h3").allInnerTexts()).toEqual([
      "✗ current read committed",
      "Why",
      "Run it again",
      "What happened",
      "The swap that matters",
      "How sure it is",
    ]);
    for (let step = 1; step <= 6; step++) expect(await page.locator(`#c1-s${step}:visible`).count()).toBe(1);
    await page.locator("#c1-s3 summary").click();
    expect(await page.locator("#c1-s3 .detail").innerText()).toContain("src/transfer.ts:12");
  });

  test("text that tries to break out is text", async () => {
    const attack = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'><svg onload=alert(3)>&lt;b&gt; javascript:alert(4) </title></style>--> ${nasty}`;
    const { page, trouble } = await open(
      renderHtml(reportOf({ hostile: withNastyExplanation(hostile, attack), bank })),
    );
    await page.locator(".matrix a").first().click();
    await page.locator("article:visible").waitFor();
    for (let step = 0; step < 7; step++) await page.keyboard.press("ArrowRight");
    expect(await page.locator("script, img, iframe, object, [onload], [onerror]").count()).toBe(1);
    expect(await page.locator("style").count()).toBe(1);
    const hrefs = await page
      .locator("[href]")
      .evaluateAll((all: readonly { getAttribute(name: string): string }[]) =>
        all.map((each) => each.getAttribute("href")),
      );
    expect(hrefs.filter((href) => !/^#(?:verdict|c\d+(?:-s\d+)?)?$/u.test(href))).toEqual([]);
    expect(trouble).toEqual([]);
  });

  test("500 steps open and step quickly", async () => {
    const html = alone(long(500));
    const begin = performance.now();
    const { page } = await open(html);
    await page.keyboard.press("End");
    expect(await at(page)).toBe("Step 500 of 500: bob");
    const opened = performance.now() - begin;
    const stepping = performance.now();
    for (let step = 0; step < 50; step++) await page.keyboard.press("ArrowLeft");
    expect(await at(page)).toBe("Step 450 of 500: bob");
    const perStep = (performance.now() - stepping) / 50;
    expect(opened).toBeLessThan(5_000);
    expect(perStep).toBeLessThan(100);
  });

  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  test.each([
    ["the verdict", report, ""],
    ["a step", report, "#c2-s9"],
    ["text that tries to break out", alone(withNastyExplanation(hostile, nasty)), "#c1-s2"],
  ])(
    "%s in light and dark, at any size: no wider than the window, and axe has nothing to say",
    async (_, html, hash) => {
      const { page } = await open(html, { hash });
      const session = await page.context().newCDPSession(page);
      // In a frame of its own rights: the page's policy lets no other script in.
      await session.send("Runtime.evaluate", { expression: axe });
      for (const [size, look] of Object.entries(sizes)) {
        await page.setViewportSize(look);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
          // A tablet has the colours and the rows of a desk.
          if (size === "tablet" && colorScheme === "dark") continue;
          const { result } = await session.send("Runtime.evaluate", {
            expression: "axe.run({ resultTypes: ['violations'] })",
            awaitPromise: true,
            returnByValue: true,
          });
          const { violations, passes } = result.value as AxeResults;
          expect(passes.length).toBeGreaterThan(15);
          expect(
            violations.map(({ id, nodes }) => `${size} ${colorScheme} ${id}: ${nodes[0]!.html.slice(0, 200)}`),
          ).toEqual([]);
        }
      }
      await page.close();
    },
  );
});
