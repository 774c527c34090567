import { expect, test } from "vitest";

import {
  check,
  merge,
  writeCounterexample,
  type CheckResult,
  type OperationCall,
  type ShardFindings,
  type ShardResult,
} from "../../src/index.js";
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
  // What they found, shrunk as one run does, comes to the files of one run.
  const whole = await check(model, { ...options, shards: shards.toReversed() });
  expect(withoutTimes(whole.verdict)).toEqual(withoutTimes(one.verdict));
  expect(whole.counterexamples.map(writeCounterexample)).toEqual(one.counterexamples.map(writeCounterexample));
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

test("so do shards that have parts of the orders of one program", async () => {
  const add = { operation: "add", parameters: { by: 1 } };
  const look = { operation: "look", parameters: null };
  const program = (third: readonly OperationCall[]) => ({
    initial: { start: 0, others: [] },
    actors: [[add], [add], third].map((operations, at) => ({ name: "abc"[at]!, operations })),
  });
  const model = counterModel({ onlyExamples: true, examples: [program([]), program([look, look, look])] });
  const exhaustively = { strategy: "exhaustive", executions: 2_000, implementations: ["careless"] };
  const one = await check(model, { ...options, ...exhaustively });
  const shards = await shardsOf(model, 3, { ...exhaustively, shrinkSeconds: 0.01 });
  const whole = await check(model, { ...options, shards });
  const [careless] = one.verdict.implementations;
  // Two have few orders, which one shard has; those of three are split.
  expect(careless!.exhausted.programs).toBe(2);
  const executions = shards.map(({ verdict }) => verdict.implementations[0]!.executions);
  expect(executions.filter((count) => count > 10).length).toBeGreaterThan(1);
  expect(withoutTimes(whole.verdict)).toEqual(withoutTimes(one.verdict));
  expect(whole.counterexamples.map(writeCounterexample)).toEqual(one.counterexamples.map(writeCounterexample));
});

test("shards are gone on with only where all is as it was where they ran", async () => {
  const model = counterModel();
  const shards = await shardsOf(model, 2, { executions: 10 });
  const other = counterModel({ schema: "create table counter (id int primary key, n bigint)" });
  await expect(check(other, { ...options, shards })).rejects.toThrow(
    /shard 1 and what is here do not belong together: another version of the model or of the code under test/,
  );
  const onAnother = shards.map((shard) => ({
    ...shard,
    verdict: { ...shard.verdict, postgres: { ...shard.verdict.postgres, version: "9.6" } },
  }));
  await expect(check(model, { ...options, shards: onAnother })).rejects.toThrow(
    /shard 1 and what is here do not belong together: another Postgres/,
  );
  await expect(check(model, { ...options, shards: shards.slice(1) })).rejects.toThrow(/of 2 shards one is missing: 1/);
  await expect(check(model, { ...options, shards, shard: { number: 1, of: 2 } })).rejects.toThrow(
    /`shards` is what all of a check explored; it goes with neither `shard` nor `checkpoint`/,
  );
});

test("what broke in a shard and does not break where shards are merged is no certain verdict", async () => {
  const model = counterModel();
  const shards = await shardsOf(model, 1, { executions: 30 });
  const inOrder = ({ failures, problems }: ShardFindings): ShardFindings => ({
    problems,
    failures: failures.map((each) => ({ ...each, smallest: { ...each.smallest, schedule: [] } })),
  });
  const { shard: before } = shards[0]!.verdict;
  expect(before!.found.some(({ failures }) => failures.length > 0)).toBe(true);
  const shard = { ...before!, found: before!.found.map(inOrder) };
  const { verdict } = await check(model, {
    ...options,
    shards: [{ ...shards[0]!, verdict: { ...shards[0]!.verdict, shard } }],
  });
  const careless = verdict.implementations.find(({ name }) => name === "careless")!;
  expect(careless.verdict).toBe("inconclusive");
  expect(careless.problems[0]!.message).toMatch(
    /uncontrolled nondeterminism: what broke in a shard did not break so here/,
  );
});

test("what a shard's file says of its failures is looked at before anything is run", async () => {
  const model = counterModel();
  const [shard] = await shardsOf(model, 1, { executions: 30 });
  const text = writeVerdict(shard!);
  const damaged = text.replace('"smallest": {', '"smallest": { "steps": "many", "was": "here" }, "before": {');
  expect(() => readShard(damaged, "s.json")).toThrow(/s.json is damaged: shard.found\[\d\].failures\[0\].smallest/);
  const foreign = readShard(text.replaceAll('"operation": "add"', '"operation": "gone"'), "s.json");
  await expect(check(model, { ...options, shards: [foreign] })).rejects.toThrow(
    'a shard is damaged: what broke in it runs operation "gone", which the model does not have',
  );
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
