import { describe, expect, test } from "vitest";

import { UsageError } from "../../src/errors.js";
import { countInterleavings, interleavings } from "../../src/spec/interleavings.js";
import { parseSpecFile } from "../../src/spec/parse.js";

describe("parseSpecFile", () => {
  test("reads every part", () => {
    const { spec, unused } = parseSpecFile(
      `# a comment { with a brace
setup { CREATE TABLE t (); }
setup {
  SELECT '#', "x";
}
teardown { DROP TABLE t; }
session "one ""1""" setup { BEGIN; } step a{SELECT 1;} step "permutation" { COMMIT; }
teardown { ROLLBACK; }
session two step b$2 { } step unused { x }
permutation a(*, b$2) "permutation" b$2(a notices 12) # more
  a
permutation b$2`,
      "x.spec",
    );
    expect(spec.setups).toEqual(["CREATE TABLE t ();", `\n  SELECT '#', "x";\n`]);
    expect(spec.teardown).toBe("DROP TABLE t;");
    const a = { name: "a", session: 'one "1"', sql: "SELECT 1;" };
    const b = { name: "b$2", session: "two", sql: "" };
    const quoted = { name: "permutation", session: 'one "1"', sql: "COMMIT;" };
    expect(spec.sessions).toEqual([
      { name: 'one "1"', setup: "BEGIN;", steps: [a, quoted], teardown: "ROLLBACK;" },
      { name: "two", setup: undefined, steps: [b, { name: "unused", session: "two", sql: "x" }], teardown: undefined },
    ]);
    expect(spec.permutations).toEqual([
      [
        { step: a, markers: [{ kind: "once" }, { kind: "step", step: b }] },
        { step: quoted, markers: [] },
        { step: b, markers: [{ kind: "notices", step: a, count: 12 }] },
        { step: a, markers: [] },
      ],
      [{ step: b, markers: [] }],
    ]);
    expect(unused).toEqual(["unused"]);
  });

  test.each([
    [
      "",
      'x.spec:1: expected "session NAME" (or "setup { SQL }" or "teardown { SQL }" before it), found the end of the file',
    ],
    ["setup { a }\nsetup b", 'x.spec:2: expected SQL in braces, found "b"'],
    [
      "session s1\n\nsession s2",
      'x.spec:3: expected "step NAME { SQL }": session "s1" needs at least one, found "session"',
    ],
    [
      "session step",
      `x.spec:1: expected the session's name, found "step" (a keyword, which needs quotation marks to be a name)`,
    ],
    ["session s step a {\n\n", 'x.spec:1: this block of SQL is never closed; end it with "}"'],
    ['session "s\n"', "x.spec:1: this quoted name does not end on its line"],
    ["session s\nstep a-b {}", 'x.spec:2: unexpected character "-"'],
    ["session s step a {}\nsession t\nstep a {}", 'x.spec:3: a step named "a" stands in line 1 already'],
    ["session s step a {}\npermutation a b", 'x.spec:2: there is no step "b"; there are: a'],
    [
      "session s step a {}\nsession t step b {}\npermutation a(b)",
      'x.spec:3: the marker of "a" names the step "b", which this permutation does not run',
    ],
    [
      "session s step a {} step b {}\npermutation a(b) b",
      'x.spec:2: the step "a" cannot wait for "b" of its own session',
    ],
    [
      "session s step a {} session t step b {}\npermutation a(b notices) b",
      'x.spec:2: expected a number of notices, found ")"',
    ],
    ["session s step a {}\npermutation a(*", 'x.spec:2: expected "," or ")", found the end of the file'],
    [
      "session s step a {}\npermutation a\nsetup {}",
      `x.spec:3: expected a step's name, or the next permutation, found "setup"`,
    ],
  ])("says where %j is wrong", (text, message) => {
    expect(() => parseSpecFile(text, "x.spec")).toThrow(UsageError);
    expect(() => parseSpecFile(text, "x.spec")).toThrow(message);
  });
});

test("interleavings keep each session's order, and there are as many as the formula says", () => {
  const { spec } = parseSpecFile("session s step a {} step b {} step c {} session t step x {} step y {}", "x.spec");
  const orders = [...interleavings(spec)].map((order) => order.map(({ step }) => step.name).join(""));
  expect(new Set(orders).size).toBe(10);
  expect(countInterleavings(spec)).toBe(10n);
  expect([orders[0], orders.at(-1)]).toEqual(["abcxy", "xyabc"]);
  for (const order of orders) expect([order.replace(/[xy]/g, ""), order.replace(/[abc]/g, "")]).toEqual(["abc", "xy"]);
});
