import { describe, expect, test } from "vitest";

import type { CheckProgress as Any } from "../../src/check/options.js";
import { CheckView } from "../../src/cli/check-progress.js";
import { LiveRegion } from "../../src/cli/terminal.js";

type CheckProgress = Exclude<Any, { phase: "remembered" }>;

const row = { implementation: "legacy", condition: "read committed" as const, number: 2, rows: 4 };

function exploring(
  executions: number,
  more: Partial<Extract<CheckProgress, { phase: "explore" }>> = {},
): CheckProgress {
  return {
    phase: "explore",
    ...row,
    of: 2_000,
    executions,
    distinctSchedules: executions - 10,
    signatures: 0,
    estimate: undefined,
    ...more,
  };
}

describe("how far a check is", () => {
  test("which row, how far it is, and how long it may take", () => {
    const view = new CheckView(0);
    view.note({ ...exploring(0), number: 1 } as CheckProgress, 0, 100);
    view.note(exploring(0), 10_000, 100);
    expect(view.note(exploring(1_000, { signatures: 2 }), 15_000, 100)).toEqual([
      "2 of 4: legacy, read committed",
      "━━━━━━━━┄┄┄┄┄┄┄┄ 1,000 of 2,000 executions, 990 distinct schedules, 2 kinds of violation",
      "67 executions/s, 15 s gone, about 25 s left",
    ]);
  });

  test("with a goal, what remains of all orders of the programs at hand, too", () => {
    const [heading, work] = new CheckView(0).note(exploring(50, { estimate: 70 }), 1, 100);
    expect(heading).toBe("2 of 4: legacy, read committed; about 20 more for all orders");
    expect(work).toContain("50 of 2,000 executions");
  });

  test("without a goal, as far as all orders of the programs at hand", () => {
    const [, work] = new CheckView(0).note(exploring(50, { of: undefined, estimate: 100 }), 1, 100);
    expect(work).toContain("50 of 100 executions");
  });

  test("without a goal there is no bar, and nothing is foretold", () => {
    const [, work, outlook] = new CheckView(0).note(exploring(50, { of: undefined, number: 1 }), 3_000, 100);
    expect([work, outlook]).toEqual(["50 executions, 40 distinct schedules", "17 executions/s, 3 s gone"]);
  });

  test("nothing is wider than the terminal", () => {
    const lines = new CheckView(0).note({ phase: "shrink", ...row, way: "x".repeat(200), executions: 3 }, 1, 40);
    expect(lines.every((line) => line.length < 40)).toBe(true);
  });
});

function stripColor(written: string): string {
  // oxlint-disable-next-line no-control-regex -- finding control characters is the point
  return written.replace(/\u001b\[\d*m/gu, "");
}

/** What a terminal shows of what was written to it: enough of one for what the region writes. */
function screen(written: string): string[] {
  const lines = [""];
  let at = 0;
  // oxlint-disable-next-line no-control-regex -- finding control characters is the point
  const pieces = /\u001b\[(\d+)A|\u001b\[(2K|J)|([^\u001b\n\r]+)|(\n)/gu;
  for (const [, up, erase, text, newline] of stripColor(written).matchAll(pieces)) {
    if (up !== undefined) at -= Number(up);
    else if (erase === "2K") lines[at] = "";
    else if (erase === "J") lines.splice(at, Infinity, "");
    else if (newline !== undefined) lines[++at] ??= "";
    else lines[at] = (lines[at] ?? "") + (text ?? "");
  }
  return lines;
}

function stream(isTTY: boolean) {
  let written = "";
  const fake = { isTTY, columns: 60, write: (text: string) => (written += text) } as unknown as NodeJS.WriteStream;
  return { fake, written: () => written };
}

test("a live region stays in its place, and leaves nothing behind", () => {
  const { fake, written } = stream(true);
  const region = new LiveRegion(fake);
  fake.write("found before\n");
  region.show(["one", "two", "three"], 0);
  region.show(["too soon"], 50);
  region.show(["1", "2"], 200);
  expect(screen(written())).toEqual(["found before", "1", "2", ""]);
  region.clear();
  expect(screen(written())).toEqual(["found before", ""]);
});

test("where there is no terminal, a plain line now and then", () => {
  const { fake, written } = stream(false);
  const region = new LiveRegion(fake);
  region.show(["one", "two", "three"], 0);
  region.show(["soon", "after"], 4_000);
  region.show(["1", "2", "3"], 5_000);
  region.clear();
  expect(written()).toBe("one; two\n1; 2\n");
});
