import { describe, expect, test } from "vitest";

import type { OperationRecord, Thrown, Trace } from "../../src/execution/trace.js";
import { UsageError } from "../../src/index.js";
import { judge, operationsEnd } from "../../src/oracle/judge.js";
import { signatureOf } from "../../src/oracle/violation.js";
import { modelOf } from "../support.js";
import type { AnyModel } from "../../src/execution/model.js";

const program = { initial: { limit: 1 }, actors: [] };

function threw(thrown: Partial<Thrown>, operation = "pay"): OperationRecord {
  const error = { name: "Error", message: "no", code: null, ...thrown };
  return { actor: "a", index: 0, operation, parameters: null, steps: null, result: { threw: error } };
}

function verdictOn(more: Partial<AnyModel>, { state = {}, operations = [] }: Partial<Trace> = {}) {
  const model = modelOf({ actors: {}, more: more as never });
  return judge(model, program, {
    trace: { steps: [], operations, schedule: [], state },
    implementation: undefined,
    commits: [],
    world: { sent: 2 },
  });
}

describe("invariants", () => {
  test("see the state, the initial state and the world, and say in which way they are broken", () => {
    const seen: unknown[] = [];
    const violations = verdictOn(
      {
        invariants: {
          "is fine": (...given: unknown[]) => void seen.push(...given),
          "a text": () => "two of them",
          "a way": () => ({ way: "too high", message: "3 > 1" }),
        },
      },
      { state: { t: [{ id: 1 }] } },
    );
    expect(seen).toEqual([
      { t: [{ id: 1 }] },
      { initial: { limit: 1 }, world: { sent: 2 }, implementation: undefined, operations: [], seen: new Map() },
    ]);
    expect(violations).toEqual([
      { invariant: "a text", way: "broken", message: "two of them" },
      { invariant: "a way", way: "too high", message: "3 > 1" },
    ]);
  });

  test("that throw are the model's mistake", () => {
    const wrong = () => verdictOn({ invariants: { odd: () => (undefined as unknown as { x: string }).x } });
    expect(wrong).toThrow(UsageError);
    expect(wrong).toThrow(/^invariant "odd" of model "scene" threw TypeError/);
  });
});

describe("operations", () => {
  test("may end with Postgres' errors, and with no others", () => {
    const operations = [
      threw({ code: "40001", name: "error" }),
      threw({ name: "TypeError", message: "x is not a function" }),
    ];
    expect(verdictOn({}, { operations })).toEqual([
      {
        invariant: operationsEnd,
        way: "pay throws TypeError",
        message: '"pay" of a threw TypeError: x is not a function',
      },
    ]);
  });

  test("may not end with errors that say that a statement itself is wrong", () => {
    const ways = (code: string) =>
      verdictOn({}, { operations: [threw({ code, name: "error" })] }).map(({ way }) => way);
    for (const code of ["42601", "42703", "42P01", "08P01", "0A000", "XX000"])
      expect(ways(code)).toEqual([`pay throws ${code}`]);
    for (const code of ["23505", "40001", "40P01", "55P03", "57014", "P0001"]) expect(ways(code)).toEqual([]);
    const operations = [threw({ code: "42703" })];
    const more = { operations: { pay: { expectedError: ({ code }: Thrown) => code === "42703" } } } as never;
    expect(verdictOn(more, { operations })).toEqual([]);
  });

  test("may end with the errors that the model expects of them", () => {
    const operation = { expectedError: ({ name }: Thrown) => name === "InsufficientFunds" };
    const operations = [
      threw({ name: "InsufficientFunds" }),
      threw({ name: "RangeError" }),
      threw({ name: "InsufficientFunds" }, "other"),
    ];
    const more = { operations: { pay: operation, other: {} } } as never;
    expect(verdictOn(more, { operations }).map(({ way }) => way)).toEqual([
      "pay throws RangeError",
      "other throws InsufficientFunds",
    ]);
  });
});

test("a signature is what broke in which way, once each, in one order", () => {
  const broken = (invariant: string, way: string) => ({ invariant, way, message: `${Math.random()}` });
  expect(signatureOf([broken("b", "x"), broken("a", "y"), broken("b", "x")])).toBe("a: y; b: x");
  expect(signatureOf([])).toBe("");
});
