import { definitionOf } from "./definition.js";
import { partsOf, type AnyModel } from "../execution/model.js";
import type { PostgresServer } from "../postgres/server.js";
import { Checkpoint } from "../store/checkpoint.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { usable } from "../usable-model.js";
import { version } from "../version.js";
import { withLanes, withServer, type LanesAt } from "../with-server.js";
import { budgetOf, inOrderOfTime } from "./budget.js";
import {
  beginRow,
  checkRow,
  nothingKnown,
  secondsSince,
  type Done,
  type Explored,
  type Exploring,
  type Known,
  type Setting,
} from "./check-row.js";
import {
  defaultLanes,
  defaultSeed,
  defaultStrategy,
  requireOptions,
  strategyOf,
  type CheckOptions,
  type CheckResult,
} from "./options.js";
import { recall, rememberedReport, type Recalled, type Remembered } from "./remembered.js";
import { isOf, keyOf, rowsOf, type ExpectedRow, type Row } from "./rows.js";
import { shardsInOrder, optionsOf, requireHere, rowsOfShards, sumOf, type Here } from "./shards.js";
import { postgresOf, shardOf, verdictFileOf } from "./tell.js";

/**
 * Holds a model's implementations to what they are expected to do: replays what was found before, explores, shrinks what
 * breaks, replays it, and says how far the verdict goes.
 *
 * @throws {UsageError} When options or model are wrong.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function check(given: AnyModel, asked: CheckOptions = {}): Promise<CheckResult> {
  const begin = performance.now();
  const model = usable(given);
  requireOptions(asked);
  const shards = asked.shards && shardsInOrder(asked.shards);
  const options = { ...asked, ...(shards && optionsOf(shards)) };
  strategyOf(options.strategy ?? defaultStrategy, "");
  const rows = shards === undefined ? rowsOf(model, options) : rowsOfShards(shards);
  const run = (server: PostgresServer) =>
    withTwoSetsOfLanes(server, model, options.lanes ?? defaultLanes(), async (lanesAt, replayLanesAt) => {
      const definition = definitionOf(given, options.sources);
      const checkpoint = await checkpointOf(model, options, definition, server, rows);
      const setting = { model, options, server, lanesAt, replayLanesAt, checkpoint, rows: rows.length, shards };
      if (shards !== undefined) requireHere(shards[0]!, hereOf(setting, definition, rows));
      const recalled = await recallAll(rows, setting);
      const done = await checkRowsThenClose(rows, recalled, setting);
      if (done.length === rows.length && done.every(({ isFinished }) => isFinished)) await checkpoint?.remove();
      const seconds = [...(shards ?? []).map((each) => each.verdict.seconds), secondsSince(begin)];
      const verdict = verdictFileOf(setting, done, recalled, sumOf(seconds));
      return {
        verdict: options.shard === undefined ? verdict : { ...verdict, shard: shardOf(options, definition, done) },
        counterexamples: done.flatMap(({ counterexamples }) => counterexamples),
      };
    });
  return withServer(options.postgres, run, options.shared);
}

/** One to explore and shrink on, and one of half as many, in whose databases nothing but replays is ever run. */
function withTwoSetsOfLanes<T>(
  server: PostgresServer,
  model: AnyModel,
  count: number,
  body: (lanesAt: LanesAt, replayLanesAt: LanesAt) => Promise<T>,
): Promise<T> {
  return withLanes(server, model, count, (lanesAt) =>
    withLanes(server, model, Math.ceil(count / 2), (replayLanesAt) => body(lanesAt, replayLanesAt)),
  );
}

/** The checkpoint of this very check, if there is to be one: all that its verdict depends on must be the same. */
async function checkpointOf(
  model: AnyModel,
  { checkpoint, seed = defaultSeed, strategy = defaultStrategy, executions, shard, firstOnly }: CheckOptions,
  definition: string,
  server: PostgresServer,
  rows: readonly ExpectedRow[],
): Promise<Checkpoint | undefined> {
  if (checkpoint === undefined) return undefined;
  return Checkpoint.open(checkpoint, {
    raceproof: version,
    model: model.name,
    "version of the model or of the code under test": definition,
    seed,
    strategy,
    "number of executions": executions,
    "mind about ending at the first violation": firstOnly === true ? "yes" : undefined,
    shard: shard && `${shard.number}/${shard.of}`,
    "choice of implementations and conditions": rows.map(keyOf),
    Postgres: server.version,
  });
}

/** What shards must have had, too, to be gone on with here. */
function hereOf({ model, server, options }: Setting, definition: string, rows: readonly Row[]): Here {
  const remembered = rememberedOf(rows, model, options).map(({ file }) => file);
  return { model: model.name, definition, raceproof: version, postgres: postgresOf(server), remembered };
}

/** What was found before, of what is to be checked. */
function rememberedOf(rows: readonly Row[], model: AnyModel, { remembered = [] }: CheckOptions): Remembered[] {
  return remembered.filter(
    (each) => each.counterexample.model.name === model.name && rows.some((row) => isOf(row, each)),
  );
}

/** It is replayed. */
async function recallAll(rows: readonly Row[], { model, options, lanesAt }: Setting): Promise<Recalled[]> {
  const { signal, onProgress } = options;
  const recalled: Recalled[] = [];
  for (const each of rememberedOf(rows, model, options)) {
    if (signal?.aborted === true) break;
    const { condition } = each.counterexample;
    const result = await recall(await lanesAt(partsOf(condition).isolation), model, each, signal);
    recalled.push(result);
    onProgress?.({ phase: "remembered", report: rememberedReport(result) });
  }
  return recalled;
}

/** One row after the other, as far as it goes; in the order in which they are to be told. */
async function checkRows(
  rows: readonly ExpectedRow[],
  recalled: readonly Recalled[],
  setting: Setting,
): Promise<Done[]> {
  const { seconds = Infinity, signal, onProgress } = setting.options;
  const done = new Map<ExpectedRow, Done>();
  let left = seconds;
  const order = Number.isFinite(seconds) ? inOrderOfTime(rows) : rows;
  const begin = (row: ExpectedRow, at: number, broken: ReadonlySet<string>) =>
    beginRow(
      row,
      rows.indexOf(row),
      budgetOf(row, rows.length, setting.options, order.length - at, left, broken),
      setting,
    );
  let ahead: Exploring | undefined;
  try {
    for (const [at, row] of order.entries()) {
      if (signal?.aborted === true) break;
      const all = [...done.values()];
      const known = knownWithoutFaults(row, all);
      const own = recalled.filter(({ remembered }) => isOf(row, remembered));
      let result = finishedBefore(row, setting);
      if (result === undefined) {
        const exploring = ahead ?? begin(row, at, brokenBy(known));
        exploring.show();
        await exploring.end;
        // Shrinking leaves lanes idle. Where time is limited each has what the others leave, and waits for its turn.
        const next = order[at + 1];
        const isFree = next !== undefined && !Number.isFinite(seconds) && finishedBefore(next, setting) === undefined;
        ahead = isFree ? begin(next, at + 1, new Set()) : undefined;
        result = await checkRow(exploring, known, hintsFor(row, all), own, setting);
      }
      if (result.isFinished) await setting.checkpoint?.finish(keyOf(row), { ...result, explored: 0 });
      left -= result.explored;
      done.set(row, result);
      onProgress?.({ phase: "done", implementation: result.verdict });
    }
  } finally {
    await ahead?.end.catch(() => undefined);
  }
  return rows.flatMap((row) => done.get(row) ?? []);
}

function brokenBy({ found }: Known): Set<string> {
  return new Set(found.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)));
}

/** Whatever ends it, what has been learnt is written down. */
async function checkRowsThenClose(
  rows: readonly ExpectedRow[],
  recalled: readonly Recalled[],
  setting: Setting,
): Promise<Done[]> {
  try {
    return await checkRows(rows, recalled, setting);
  } finally {
    await setting.checkpoint?.close();
  }
}

/** What a run that this one goes on from has done. */
function finishedBefore(row: ExpectedRow, { checkpoint }: Setting): Explored | undefined {
  return checkpoint?.resultOf(keyOf(row)) as Explored | undefined;
}

/** What broke the rows before, where as little went wrong as may go wrong here. */
function hintsFor({ condition }: Row, done: readonly Done[]): Counterexample[] {
  const { faults } = partsOf(condition);
  const all = done.flatMap(({ counterexamples }) => counterexamples);
  return all.filter(({ program }) => faults || program.faults === undefined);
}

/** What breaks an implementation without faults breaks it with them, too. */
function knownWithoutFaults({ implementation, condition }: Row, done: readonly Done[]): Known {
  const { isolation, faults } = partsOf(condition);
  if (!faults) return nothingKnown;
  return (
    done.find(({ row }) => row.implementation === implementation && row.condition === isolation)?.known ?? nothingKnown
  );
}
