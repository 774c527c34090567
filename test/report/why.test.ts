import { describe, expect, test } from "vitest";

import type { Explanation, Stale } from "../../src/explanation/explanation.js";
import { decisivePlace } from "../../src/report/place.js";
import { tablesOf } from "../../src/report/tables.js";
import { sentenceText, whyOf } from "../../src/report/why.js";
import { bank, redelivery } from "./fixtures.js";
import { crash } from "./stories.js";

const nothing: Explanation = { sites: [], sources: [], views: [], edges: [], stale: [], swap: null };

function told(stale: Partial<Stale>): string[] {
  const whole = {
    read: 0,
    since: 1,
    write: 1,
    used: 4,
    before: { rowCount: 0, rows: [] },
    after: { rowCount: 0, rows: [] },
    ...stale,
  };
  return whyOf({ ...redelivery, explanation: { ...nothing, stale: [whole] } }).stale.map(sentenceText);
}

const row = { id: 7, status: "failed" };

describe("what was stale, in a sentence", () => {
  test.each<[string, Partial<Stale>, string]>([
    [
      "a row that is gone",
      { before: { rowCount: 1, rows: [row] } },
      "worker B read a row (id=7, status=failed) at step 1. user deleted it at step 2. worker B wrote at step 5 all the same, and hit no row.",
    ],
    [
      "a row that has changed",
      { before: { rowCount: 1, rows: [row] }, after: { rowCount: 1, rows: [{ ...row, status: "ready" }] } },
      "worker B read status=failed at step 1. user made it status=ready at step 2. worker B wrote at step 5 all the same, and hit no row.",
    ],
    [
      "rows that were more",
      { before: { rowCount: 3, rows: [row] }, after: { rowCount: 2, rows: [row] } },
      "worker B read 3 rows at step 1. user made that 2 rows at step 2. worker B wrote at step 5 all the same, and hit no row.",
    ],
    [
      "published later than written",
      { since: 3, before: { rowCount: 1, rows: [row] } },
      "worker B read a row (id=7, status=failed) at step 1. user deleted it at step 2 (committed at step 4). worker B wrote at step 5 all the same, and hit no row.",
    ],
    [
      "by a write that hits something",
      { used: 5, before: { rowCount: 1, rows: [row] } },
      "worker B read a row (id=7, status=failed) at step 1. user deleted it at step 2. worker B wrote at step 6 all the same.",
    ],
  ])("%s", (_, stale, sentence) => {
    expect(told(stale)).toEqual([sentence]);
  });

  test("of a file that was edited by hand, nothing that is not there", () => {
    expect(told({ used: 99 })).toEqual([]);
  });
});

describe("the swap, in a sentence", () => {
  const swap = (explanation: Partial<Explanation>, of = redelivery) =>
    sentenceText(whyOf({ ...of, explanation: { ...nothing, ...explanation } }).swap!);

  test("one that passes, and what it breaks all the same", () => {
    const passing = { first: 0, second: 1, reason: "both write t", breaks: ["x: y"], steps: [], operations: [] };
    expect(swap({ swap: { tried: 3, passing } })).toBe(
      "The window is between step 1 and step 2: the other way round it holds, as a run showed. Both write t. (That run breaks something else: x: y.)",
    );
  });

  test("none that passes", () => {
    expect(swap({ swap: { tried: 4, passing: null } })).toBe(
      "With any two neighbouring steps swapped it breaks, too (4 orders were run).",
    );
    expect(swap({})).toBe("No two steps of different actors conflict: any order of these steps breaks it.");
  });

  test("nobody to swap with", () => {
    const { trace } = redelivery;
    const alone = {
      ...redelivery,
      trace: { ...trace, steps: trace.steps.map((step) => ({ ...step, actor: "user" })) },
    };
    expect(swap({}, alone)).toBe("No order matters here: one actor alone breaks it.");
  });

  test("nothing where nothing was run", () => {
    expect(whyOf(redelivery).swap).toBeNull();
  });
});

test("the decisive statement is the one behind the stale read; shipped code is no place", () => {
  expect(decisivePlace(bank)).toEqual({ file: "src/transfer.ts", line: 12, function: "transfer" });
  const sites = bank.explanation!.sites.map((site) => site && { ...site, file: `raceproof/${site.file}` });
  expect(decisivePlace({ ...bank, explanation: { ...bank.explanation!, sites } })).toBeUndefined();
  expect(decisivePlace(crash)).toBeUndefined();
});

describe("tables as they could be seen", () => {
  const t = (...rows: { id: number; n: number | null }[]) => ({ t: rows });
  const fates = (before: ReturnType<typeof t>, after: ReturnType<typeof t>) =>
    tablesOf({ views: [{ committed: before }, { committed: after }] })[1]!.committed![0]!.rows.map(
      ({ fate, cells }) => `${fate}: ${cells.map(({ text, changed }) => (changed ? `*${text}` : text)).join(" ")}`,
    );

  test("what changed, came and went, by the column that tells rows apart", () => {
    expect(
      fates(
        t({ id: 1, n: 5 }, { id: 2, n: null }, { id: 4, n: 0 }),
        t({ id: 4, n: 0 }, { id: 2, n: 6 }, { id: 3, n: 1 }),
      ),
    ).toEqual(["same: 4 0", "changed: 2 *6", "new: *3 *1", "gone: 1 5"]);
  });

  test("an open transaction's view is compared with what is committed", () => {
    const [, second] = tablesOf({
      views: [{ committed: t({ id: 1, n: 5 }) }, { sessions: { a: t({ id: 1, n: 6 }) } }],
    });
    expect(second!.committed).toBeNull();
    expect(second!.sessions[0]!.tables[0]!.rows[0]!.cells[1]).toEqual({ text: "6", changed: true });
  });

  test("of many rows those that changed come first", () => {
    const many = Array.from({ length: 30 }, (_, id) => ({ id, n: 0 }));
    const [first, , ...rest] = fates(t(...many), t(...many.with(29, { id: 29, n: 1 })));
    expect([first, rest.length]).toEqual(["changed: 29 *1", 10]);
  });
});
