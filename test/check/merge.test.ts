import { expect, test } from "vitest";

import { check, merge, type CheckResult, type ShardResult } from "../../src/index.js";
import type { AnyModel } from "../../src/execution/model.js";
import { readShard, writeVerdict } from "../../src/store/verdict-file.js";
import { withoutTimes } from "../cli/support.js";
import { counterModel } from "../explore/counter.js";

const options = { executions: 60, lanes: 2, postgres: "embedded" };

async function shardsOf(model: AnyModel, of: number, more = {}): Promise<ShardResult[]> {
  const shards: ShardResult[] = [];
  for (let number = 1; number <= of; number++) {
    const result = await check(model, { ...options, ...more, shard: { number, of } });
    shards.push(asRead(result, `shard ${number}`));
  }
  return shards;
}

/** As it comes back from a file. */
function asRead(result: CheckResult, name: string): ShardResult {
  return readShard(writeVerdict(result), name);
}

test("all shards together say what one run says, and those that do not belong together are refused", async () => {
  const model = counterModel({ faults: { a: ["serialization failure"] } });
  const one = await check(model, options);
  const shards = await shardsOf(model, 3);
  const merged = merge(shards.toReversed());
  expect(withoutTimes(merged.verdict)).toEqual(withoutTimes(one.verdict));
  const shown = ({ counterexamples }: CheckResult) =>
    counterexamples.map(({ implementation, condition, signature, program, schedule }) => ({
      implementation,
      condition,
      signature,
      program,
      schedule,
    }));
  expect(shown(merged)).toEqual(shown(one));
  expect(one.counterexamples.length).toBeGreaterThan(0);
  // No part did all of it, and none says of itself that what need not break in it does not.
  for (const { verdict } of shards) {
    expect(verdict.implementations[0]!.executions).toBeLessThan(one.verdict.implementations[0]!.executions / 2);
    expect(verdict.asExpected).toBe(true);
  }

  const [first, second, third] = shards as [ShardResult, ShardResult, ShardResult];
  const changed = (shard: ShardResult, verdict: object, record: object = {}): ShardResult => ({
    ...shard,
    verdict: { ...shard.verdict, ...verdict, shard: { ...shard.verdict.shard!, ...record } },
  });
  const refused: [ShardResult[], RegExp][] = [
    [[first, third], /of 3 shards one is missing: 2/],
    [[first], /2 are missing: 2, 3/],
    [[first, second, third, { ...second, name: "again" }], /shard 2 and again are both shard 2/],
    [[first, second, changed(third, {}, { definition: "other" })], /another version of the model or of the code/],
    [[first, second, changed(third, { seed: "other" })], /another seed: "raceproof", and "other"/],
    [[first, second, changed(third, {}, { executions: 61 })], /another number of executions: 60, and 61/],
    [[first, second, changed(third, { raceproof: "9.9.9" })], /another version of raceproof/],
    [[first, second, changed(third, { model: "other" })], /another model/],
    [[first, second, changed(third, { interrupted: true })], /shard 3 was interrupted; run that shard again/],
    [[], /nothing to merge/],
  ];
  for (const [parts, message] of refused) expect(() => merge(parts)).toThrow(message);
  expect(() => readShard(writeVerdict(one), "one.json")).toThrow(/one.json is the verdict of a whole check/);
  const text = writeVerdict({ ...first });
  expect(() => readShard(text.slice(0, -20), "cut.json")).toThrow(/cut.json is cut off or not JSON/);
  expect(() => readShard("{}", "x.json")).toThrow(/x.json is no verdict/);
});

test("another version of the code is another definition, the same one is not", async () => {
  const definitionOf = async (model: AnyModel) => {
    const { verdict } = await check(model, { ...options, executions: 2, shard: { number: 1, of: 20 } });
    return verdict.shard!.definition;
  };
  const same = await definitionOf(counterModel());
  expect(await definitionOf(counterModel())).toBe(same);
  expect(await definitionOf(counterModel({ schema: "create table counter (id int primary key, n bigint)" }))).not.toBe(
    same,
  );
  const careful = { implementations: { careful: { create: () => ({ locks: "for no key update" }) } } };
  expect(await definitionOf(counterModel(careful))).not.toBe(same);
});
