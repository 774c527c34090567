import { describe, expect, test } from "vitest";

import type { Outcome, Step } from "../../src/execution/trace.js";
import { describeStep } from "../../src/report/lines.js";
import { failure, passed, rows, waited } from "./fixtures.js";

function step(sketch: Partial<Step>): Step {
  return {
    index: 0,
    actor: "user",
    session: "user",
    operation: 0,
    kind: "statement",
    text: "UPDATE t SET a = $1",
    values: [1],
    outcome: rows("UPDATE", 1),
    wait: null,
    transaction: "none",
    ...sketch,
  };
}

describe("a step on one line", () => {
  test.each<[string, Partial<Step>, string]>([
    ["a write", {}, "user: UPDATE t SET a = ‹1› → 1 row"],
    ["a write that hits nothing", { outcome: rows("UPDATE", 0) }, "user: UPDATE t SET a = ‹1› → 0 rows!"],
    ["a read that finds nothing", { text: "SELECT", outcome: rows("SELECT", 0, []) }, "user: SELECT → 0 rows"],
    ["a second connection", { session: "user#2", text: "BEGIN", outcome: rows("BEGIN", null) }, "user#2: BEGIN"],
    ["an error", { text: "X", outcome: failure("42601", "syntax\nerror") }, "user: X → ERROR 42601: syntax error"],
    ["an error of the driver", { text: "X", outcome: failure(null, "gone") }, "user: X → ERROR gone"],
    ["a yield point", { kind: "yield", text: "between\u001b", outcome: passed }, "user: ◇ between␛"],
    ["a COMMIT that rolls back", { text: "commit", outcome: rows("ROLLBACK", null) }, "user: commit → ROLLBACK"],
    [
      "a wait",
      { text: "X", wait: waited({ holders: ["a", "b"], on: "row (id=1) of t", until: 3 }) },
      "user: X <waiting ...> waits for a and b: row (id=1) of t <... completed> → 1 row",
    ],
    [
      "a wait for a lock that is no row",
      { text: "X", wait: waited({ lock: "advisory lock 7" }) },
      "user: X <waiting ...> waits for advisory lock 7 <... completed> → 1 row",
    ],
  ])("%s", (_, sketch, expected) => {
    expect(describeStep(step(sketch))).toBe(expected);
  });
});

describe("rows that came back", () => {
  test.each<[string, Outcome, string]>([
    ["one", rows("SELECT", 1, [{ id: 7, status: "failed", at: null }]), "1 row: id=7, status=failed, at=null"],
    ["a large one", rows("SELECT", 1, [{ id: 7, note: "x".repeat(100) }]), "1 row: id=7, …"],
    ["a very large value", rows("SELECT", 1, [{ note: "x".repeat(100) }]), `1 row: note=${"x".repeat(54)}…`],
    ["two small ones", rows("SELECT", 2, [{ a: 1 }, { a: 2 }]), "2 rows: (a=1), (a=2)"],
    ["many", rows("SELECT", 1234, [{ a: 1 }]), "1,234 rows"],
    ["arrays", rows("SELECT", 1, [[1, "x"]]), '1 row: [1, "x"]'],
  ])("%s", (_, outcome, expected) => {
    expect(describeStep(step({ text: "X", outcome }))).toBe(`user: X → ${expected}`);
  });
});
