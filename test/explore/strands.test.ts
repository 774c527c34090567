import { describe, expect, test } from "vitest";

import { ProgramList, programSource } from "../../src/explore/programs.js";
import { divide, type Strand } from "../../src/explore/strands.js";
import { fc } from "../../src/index.js";
import { counterModel } from "./counter.js";

const list = (more = {}) => new ProgramList(programSource(counterModel(more), "s"));

describe("programs", () => {
  test("come once each, the same to everybody who asks, in whichever order they ask", () => {
    const [one, other] = [list(), list()];
    const all = Array.from({ length: 50 }, (_, index) => JSON.stringify(one.at(index)));
    expect(new Set(all).size).toBe(50);
    for (const index of [49, 3, 17]) expect(JSON.stringify(other.at(index))).toBe(all[index]);
  });

  test("come to an end where the model has no more", () => {
    const few = list({
      initial: fc.constant({ start: 1, others: [] }),
      operations: { look: counterModel().operations["look"]! },
      actors: { a: ["look"], b: ["look"] },
      operationsPerActor: 1,
    });
    expect(few.count(2)).toBe(2);
    expect(few.count(1_000)).toBe(3);
    expect(few.at(3)).toBeUndefined();
  });
});

describe("strands", () => {
  const programsOf = (strand: Strand, number: number) =>
    Array.from({ length: number }, () => JSON.stringify(strand.nextProgram()!.program));

  test("of all shards are those of the whole, none of them twice, and so is the budget", () => {
    for (const of of [1, 2, 5, 8, 13]) {
      const shards = Array.from({ length: of }, (_, at) => divide(list(), 0, 1_003, { number: at + 1, of }, 4).strands);
      const indices = shards.flat().map(({ index }) => index);
      expect(indices.toSorted((a, b) => a - b)).toEqual([...Array(12).keys()]);
      expect(shards.flat().reduce((sum, { executions }) => sum + executions, 0)).toBe(1_003);
      const sizes = shards.map((strands) => strands.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  test("have the same programs whoever runs them, and no two have one in common", () => {
    const whole = divide(list(), 0, 1_000).strands.map((strand) => programsOf(strand, 3));
    const part = divide(list(), 0, 1_000, { number: 2, of: 3 }).strands;
    expect(part.map((strand) => programsOf(strand, 3))).toEqual(part.map(({ index }) => whole[index]));
    expect(new Set(whole.flat()).size).toBe(36);
  });

  test("begin with the examples, one each", () => {
    const examples = Array.from({ length: 20 }, (_, start) => list().at(start)!);
    const programs = new ProgramList(programSource(counterModel({ examples }), "s"));
    const first = divide(programs, 20, 100).strands.map(({ nextProgram }) => nextProgram()!.program);
    expect(first).toEqual(examples);
  });

  test("are more where there is more to spend, and no more than programs", () => {
    expect(divide(list(), 0, 10_000).count).toBe(50);
    expect(divide(list(), 0, 1e9).count).toBe(240);
    const one = { initial: fc.constant({ start: 1, others: [] }), actors: { a: ["look"] }, operationsPerActor: 1 };
    expect(divide(list(one), 0, 10_000)).toMatchObject({ count: 1, strands: [{ executions: 10_000 }] });
  });
});
