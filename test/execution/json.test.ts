import { expect, test } from "vitest";

import { toJson } from "../../src/execution/json.js";

test("any value becomes plain data", () => {
  const values: [unknown, unknown][] = [
    [new Date("2020-01-02T03:04:05.006Z"), "2020-01-02T03:04:05.006Z"],
    [new Date(Number.NaN), "Invalid Date"],
    [Buffer.from([1, 255]), "\\x01ff"],
    [10n ** 20n, "100000000000000000000"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [undefined, null],
    [() => 1, null],
    [new Map([["a", 1]]), [["a", 1]]],
    [new Set([1, 2]), [1, 2]],
    [new TypeError("x"), { name: "TypeError", message: "x" }],
    [{ a: [undefined, { b: true }] }, { a: [null, { b: true }] }],
    [{ toJSON: () => "itself" }, "itself"],
  ];
  for (const [value, json] of values) expect(toJson(value)).toEqual(json);
});

test("what refers to itself is cut where it does", () => {
  const client: Record<string, unknown> = { name: "client" };
  client["pool"] = { clients: [client] };
  expect(toJson(client)).toEqual({ name: "client", pool: { clients: ["[circular]"] } });
  const shared = { x: 1 };
  expect(toJson([shared, shared])).toEqual([{ x: 1 }, { x: 1 }]);
});
