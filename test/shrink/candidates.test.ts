import { describe, expect, test } from "vitest";

import type { Program } from "../../src/execution/program.js";
import { fc } from "../../src/index.js";
import { alike } from "../../src/shrink/alike.js";
import { simpler, type Turn } from "../../src/shrink/candidates.js";
import { compareSizes, type Size } from "../../src/shrink/size.js";
import { counterModel } from "../explore/counter.js";

const add = (by: number) => ({ operation: "add", parameters: { by } });
const look = { operation: "look", parameters: null };

const program: Program = {
  initial: { start: 1, others: [4] },
  actors: [
    { name: "a", operations: [look, add(2)] },
    { name: "b", operations: [add(1)] },
    { name: "c", operations: [] },
  ],
};
const order: Turn[] = [
  { actor: "a", session: "a", operation: 0 },
  { actor: "b", session: "b", operation: 0 },
  { actor: "a", session: "a#2", operation: 1 },
];

const candidates = (more: Parameters<typeof counterModel>[0] = {}) => [
  ...simpler(counterModel(more), { program, order }),
];
const operationsOf = ({ actors }: Program) =>
  actors.map(({ operations }) => operations.map(({ operation }) => operation));

describe("simpler programs", () => {
  test("come without an actor, then without an operation, with the order that is left", () => {
    const all = candidates();
    expect(all.slice(0, 5).map(({ program }) => operationsOf(program))).toEqual([
      [[], ["add"], []],
      [["look", "add"], [], []],
      [["add"], ["add"], []],
      [["look"], ["add"], []],
      [["look", "add"], [], []],
    ]);
    expect(all[2]!.order).toEqual([
      { actor: "b", session: "b", operation: 0 },
      { actor: "a", session: "a#2", operation: 0 },
    ]);
  });

  test("have smaller parameters and initial states, and only what the model would generate", () => {
    const all = candidates().map(({ program }) => program);
    const amounts = new Set(
      all.map(({ actors }) => (actors[0]!.operations[1]?.parameters as { by?: number } | undefined)?.by),
    );
    expect(amounts).toEqual(new Set([undefined, 2, 1]));
    expect(all.map(({ initial }) => initial)).toEqual(
      expect.arrayContaining([
        { start: 0, others: [4] },
        { start: 1, others: [] },
      ]),
    );
    for (const { initial } of all) expect((initial as { start: number }).start).toBeLessThanOrEqual(1);
  });

  test("do not lose what their operations are about", () => {
    const about = {
      parameters: ({ others }: { others: readonly number[] }) =>
        others.length === 0 ? fc.constant(null) : fc.record({ by: fc.constantFrom(...others) }),
      run: async () => undefined,
    };
    const operations = { ...counterModel().operations, add: about } as never;
    const from: Program = { initial: { start: 1, others: [4] }, actors: [{ name: "a", operations: [add(4)] }] };
    const initials = [...simpler(counterModel({ operations }), { program: from, order: [] })]
      .filter(({ program }) => program.actors[0]!.operations.length > 0)
      .map(({ program }) => program.initial);
    expect(initials).toContainEqual({ start: 0, others: [4] });
    expect(initials).not.toContainEqual({ start: 1, others: [] });
  });

  test("nor have they a state for which the model has no parameters", () => {
    const about = {
      // Of nothing it throws.
      parameters: ({ others }: { others: readonly number[] }) => fc.constantFrom(...others.map((by) => ({ by }))),
      run: async () => undefined,
    };
    const operations = { ...counterModel().operations, add: about } as never;
    const initial = fc.array(fc.nat()).map((others) => ({ start: 0, others }));
    const from: Program = { initial: { start: 0, others: [4] }, actors: [{ name: "a", operations: [add(4)] }] };
    const model = counterModel({ operations, initial: initial as never });
    const left = [...simpler(model, { program: from, order: [] })].map(({ program }) => program);
    expect(left.map(({ initial, actors }) => [initial, actors[0]!.operations.length])).not.toContainEqual([
      { start: 0, others: [] },
      1,
    ]);
  });

  test("are also what the model proposes, with the order of its actors", () => {
    const swapped: Program = {
      ...program,
      actors: [
        { name: "a", operations: [] },
        { name: "b", operations: [add(1)] },
        { name: "c", operations: program.actors[0]!.operations },
      ],
    };
    const proposed = candidates({ simplify: () => [swapped] }).find(({ program }) => program === swapped);
    expect(proposed?.order).toEqual([
      { actor: "c", session: "c", operation: 0 },
      { actor: "b", session: "b", operation: 0 },
      { actor: "c", session: "c#2", operation: 1 },
    ]);
  });
});

test("alike is what an operation does that the model lists before, with parameters that both may have", () => {
  // Objects, which `constantFrom` knows by identity alone.
  const about = (...amounts: number[]) => ({
    parameters: fc.constantFrom(...amounts.map((by) => ({ by }))),
    run: async () => undefined,
  });
  const operations = { ...counterModel().operations, once: about(1), twice: about(1, 2) } as never;
  const model = counterModel({ operations, actors: { a: ["once", "twice"] } });
  const calling = (operation: string, by: number): Program => ({
    initial: { start: 0, others: [] },
    actors: [{ name: "a", operations: [{ operation, parameters: { by } }] }],
  });
  const proposed = (from: Program) => [...alike(model, { program: from, order: [] })].map(({ program }) => program);
  expect(proposed(calling("twice", 1))).toContainEqual(calling("once", 1));
  expect(proposed(calling("twice", 2))).not.toContainEqual(calling("once", 2));
  expect(proposed(calling("once", 1))).not.toContainEqual(calling("twice", 1));
});

test("sizes: operations first, then faults, preemptions, switches, steps, and actors", () => {
  const size = (numbers: readonly number[]): Size => {
    const [operations, faults, preemptions, switches, steps, actors] = numbers as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { operations, faults, preemptions, switches, steps, actors };
  };
  const sorted = [
    [2, 0, 1, 2, 20, 3],
    [2, 0, 1, 3, 9, 1],
    [2, 0, 2, 2, 8, 2],
    [2, 0, 2, 2, 8, 3],
    [2, 0, 2, 2, 9, 2],
    [2, 1, 0, 0, 0, 0],
    [3, 0, 0, 0, 0, 0],
  ].map(size);
  expect(sorted.toReversed().toSorted(compareSizes)).toEqual(sorted);
});
