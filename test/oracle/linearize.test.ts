import { describe, expect, test } from "vitest";

import type { Reference } from "../../src/execution/model.js";
import type { CallRecord, OperationResult } from "../../src/execution/trace.js";
import { unexplained } from "../../src/oracle/linearize.js";
import { modelOf } from "../support.js";

/** A register: `write` stores, `read` gives back what was stored last. A call that crashed may have been done or not. */
const register: Reference<unknown, unknown, number> = {
  initial: () => 0,
  explain: {
    read: (stored, { result }) => ("returned" in result && result.returned !== stored ? [] : [stored]),
    write: (stored, { parameters, result }) =>
      "returned" in result ? [parameters as number] : [parameters as number, stored],
  },
  final: (stored, { register = [] }) => {
    const n: unknown = register[0]?.["n"];
    return n === stored ? undefined : { way: "a write is lost", message: `${String(n)} and not ${stored}` };
  },
};

const returned = (answer: number | null): OperationResult => ({ returned: answer });

function call(actor: string, name: string, about: number | null, [begin, end]: [number, number]): CallRecord {
  const result = returned(name === "read" ? about : null);
  return { actor, operation: 0, name, parameters: name === "write" ? about : null, begin, end, result };
}

const write = (actor: string, n: number, span: [number, number]) => call(actor, "write", n, span);
const read = (actor: string, n: number, span: [number, number]) => call(actor, "read", n, span);

function judged(
  calls: readonly CallRecord[],
  final: number,
  more: { reference?: typeof register } = { reference: register },
) {
  const model = modelOf({ actors: {}, more });
  const trace = { steps: [], operations: [], calls, schedule: [], state: { register: [{ n: final }] } };
  return unexplained(model, null, trace, undefined);
}

describe("an order is found", () => {
  test("for calls that overlap, in whichever order explains them", () => {
    expect(judged([write("a", 1, [0, 4]), write("b", 2, [1, 3])], 1)).toBeUndefined();
    expect(judged([write("a", 1, [0, 4]), write("b", 2, [1, 3])], 2)).toBeUndefined();
    expect(judged([write("a", 1, [0, 9]), read("b", 0, [1, 2]), read("b", 1, [3, 4])], 1)).toBeUndefined();
  });

  test("whether a call that crashed was done or not", () => {
    const crashed: CallRecord = { ...write("a", 1, [0, 2]), result: { crashed: true } };
    expect([judged([crashed], 1), judged([crashed], 0)]).toEqual([undefined, undefined]);
    expect(judged([crashed], 2)).toBeDefined();
  });

  test("for calls that took no step, at one moment", () => {
    expect(judged([write("a", 1, [3, 3]), read("b", 0, [3, 3])], 1)).toBeUndefined();
  });

  test("for any number of calls that all overlap, without trying every order", () => {
    const writes = Array.from({ length: 12 }, (_, i) => write(`w${i}`, i % 3, [0, 20]));
    expect(judged(writes, 2)).toBeUndefined();
    expect(judged(writes, 7)).toBeDefined();
  });

  test("without a reference, always", () => {
    expect(judged([write("a", 1, [0, 2])], 9, {})).toBeUndefined();
  });
});

describe("no order is found", () => {
  test("for a final state that none ends in: the reference says in which way", () => {
    expect(judged([write("a", 1, [0, 2]), write("b", 2, [2, 4])], 1)).toEqual({
      way: "a write is lost",
      message: "1 and not 2",
    });
  });

  test("for an answer that none gives: the first one, in the order in which they ended", () => {
    const calls = [write("a", 1, [0, 2]), read("b", 0, [3, 4]), read("c", 7, [5, 6])];
    expect(judged(calls, 1)).toMatchObject({
      way: "answer of read",
      message: expect.stringContaining('"read" of b') as string,
    });
  });

  test("for what goes back in time: a read sees the new value, a later one the old", () => {
    const calls = [write("a", 1, [0, 9]), read("b", 1, [1, 2]), read("c", 0, [3, 4])];
    expect(judged(calls, 1)).toMatchObject({ way: "answer of read" });
  });
});

test("an operation that makes no calls is one itself", () => {
  const model = modelOf({ actors: {}, more: { reference: register } });
  const operation = {
    actor: "a",
    index: 0,
    operation: "write",
    parameters: 3,
    steps: [0, 1] as const,
    result: returned(null),
  };
  const trace = { steps: [], operations: [operation], schedule: [], state: { register: [{ n: 4 }] } };
  expect(unexplained(model, null, trace, undefined)).toMatchObject({ way: "a write is lost" });
  expect(unexplained(model, null, { ...trace, state: { register: [{ n: 3 }] } }, undefined)).toBeUndefined();
});
