import { availableParallelism } from "node:os";
import { budgetOf, inOrderOfTime, type ExpectedRow } from "./budget.js";
import { definitionOf } from "./definition.js";
import { UsageError } from "./errors.js";
import {
  expectationsOf,
  invariantOf,
  partsOf,
  type AnyModel,
  type Condition,
  type Isolation,
} from "./execution/model.js";
import { portfolio } from "./explore/portfolio.js";
import { explore, type Budget, type Exploration, type Progress } from "./explore/explore.js";
import { judgeClaim } from "./explore/matrix.js";
import type { Shard } from "./explore/strands.js";
import {
  timesSeen,
  verdictOf,
  type ImplementationVerdict,
  type RememberedReport,
  type ShardRecord,
  type VerdictFile,
  type ViolationReport,
} from "./explore/verdict.js";
import { explained, operationsEnd } from "./oracle/judge.js";
import type { Violation } from "./oracle/violation.js";
import type { PostgresServer } from "./postgres/server.js";
import { recall, rememberedReport, type Recalled, type Remembered } from "./remembered.js";
import { counterexampleFileName } from "./report/counterexample-file.js";
import { sessionSettings } from "./session/connections.js";
import type { Counterexample } from "./shrink/counterexample.js";
import { investigate, type Found, type InvestigateOptions } from "./shrink/investigate.js";
import { sizeOf } from "./shrink/size.js";
import { Checkpoint } from "./store/checkpoint.js";
import { strategyNamed, strategyNames } from "./strategy/named.js";
import type { Strategy } from "./strategy/strategy.js";
import { usable } from "./usable-model.js";
import { version } from "./version.js";
import { withLanes, withServer, type LanesAt } from "./with-server.js";

export interface CheckOptions {
  /** Which implementations; default: all. */
  readonly implementations?: readonly string[];
  /** `portfolio` (the default), `exhaustive`, `random`, `urw`, `pos`, `pct` or `pct:DEPTH`. */
  readonly strategy?: string;
  /** Any text; the same seed gives the same programs, schedules and verdict. Default: `raceproof`. */
  readonly seed?: string;
  /**
   * At which isolation levels transactions begin that do not say otherwise, and whether things go wrong. Default: the
   * conditions for which the implementation's `expect` records something.
   */
  readonly isolation?: readonly Isolation[];
  readonly faults?: boolean;
  /**
   * Executions for each implementation under each condition. Default: 2,000, fewer where there are more than four of
   * these, or as many as fit when `seconds` is given.
   */
  readonly executions?: number;
  /**
   * Seconds for exploring all implementations under all conditions together, shared evenly; what is expected to hold gets
   * what the others leave, too. Shrinking what was found comes on top. Default: no limit.
   */
  readonly seconds?: number;
  /** Seconds for shrinking what was found, shared in the same way; what is not the smallest by then says so. Default: a limit in executions instead. */
  readonly shrinkSeconds?: number;
  /** Executions under way at once. Default: two for each processor, at least 2, at most 8. */
  readonly lanes?: number;
  /** `embedded`, `container[:image]`, `postgres://…` or a directory with Postgres' programs. Default: `RACEPROOF_POSTGRES`, else embedded. */
  readonly postgres?: string;
  /** Whether to use the server that tests in other files and processes use, too, as long as any of them runs. */
  readonly shared?: boolean;
  /** Whether one violation is enough: it is shrunk, and what else breaks is not looked for. */
  readonly firstOnly?: boolean;
  /** The module that the model came from, relative to the working directory, for counterexample files. */
  readonly module?: string;
  /** Where counterexamples will be written, as verdicts are to name it; default: they name none. */
  readonly reports?: string;
  /** What was found before: it is replayed before anything else. Of other implementations and conditions it is left alone. */
  readonly remembered?: readonly Remembered[];
  /** Which part of the check to do; {@link merge} joins the parts. Default: all of it. */
  readonly shard?: Shard;
  /**
   * A file in which to write down how far the check is, so that one that was interrupted, killed or timed out goes on where
   * it was when it is begun again with the same options. It is removed at the end.
   */
  readonly checkpoint?: string;
  /** Digest of the sources that the model came from, to tell its versions apart. Default: only the model itself counts. */
  readonly sources?: string;
  /** Aborting it ends the check with what was found so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: CheckProgress) => void;
}

/** How far a check is. */
export type CheckProgress =
  | { readonly phase: "remembered"; readonly report: RememberedReport }
  | ({ readonly phase: "explore"; readonly of: number | undefined } & Place & Progress)
  | ({ readonly phase: "shrink"; readonly way: string; readonly executions: number } & Place)
  | { readonly phase: "done"; readonly implementation: ImplementationVerdict };

export interface CheckResult {
  readonly verdict: VerdictFile;
  /** One for each violation in the verdict; those that break without faults are not told again with them. */
  readonly counterexamples: readonly Counterexample[];
}

/** Which row is under way, and of how many. */
interface Place extends Row {
  /** From 1. */
  readonly number: number;
  readonly rows: number;
}

/** One implementation under one condition. */
type Row = Omit<ExpectedRow, "expected">;

/**
 * Holds a model's implementations to what they are expected to do: replays what was found before, explores, shrinks what
 * breaks, replays it, and says how far the verdict goes.
 *
 * @throws {UsageError} When options or model are wrong.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function check(given: AnyModel, options: CheckOptions = {}): Promise<CheckResult> {
  const begin = performance.now();
  const model = usable(given);
  requireNumbers(options);
  strategyOf(options.strategy ?? defaultStrategy, "");
  const rows = rowsOf(model, options);
  const run = (server: PostgresServer) =>
    withTwoSetsOfLanes(server, model, options.lanes ?? defaultLanes(), async (lanesAt, replayLanesAt) => {
      const definition = definitionOf(given, options.sources);
      const checkpoint = await checkpointOf(model, options, definition, server, rows);
      const setting = { model, options, server, lanesAt, replayLanesAt, checkpoint, rows: rows.length };
      const recalled = await recallAll(rows, setting);
      const done = await checkRowsThenClose(rows, recalled, setting);
      if (done.length === rows.length && done.every(({ isFinished }) => isFinished)) await checkpoint?.remove();
      const verdict = fileOf(setting, done, recalled, secondsSince(begin));
      return {
        verdict: options.shard === undefined ? verdict : { ...verdict, shard: shardOf(options, definition, done) },
        counterexamples: done.flatMap(({ counterexamples }) => counterexamples),
      };
    });
  return withServer(options.postgres, run, options.shared);
}

/** One to explore and shrink on, and one of which nothing but replays will ever know. */
function withTwoSetsOfLanes<T>(
  server: PostgresServer,
  model: AnyModel,
  count: number,
  body: (lanesAt: LanesAt, replayLanesAt: LanesAt) => Promise<T>,
): Promise<T> {
  return withLanes(server, model, count, (lanesAt) =>
    withLanes(server, model, count, (replayLanesAt) => body(lanesAt, replayLanesAt)),
  );
}

interface Setting {
  readonly model: AnyModel;
  readonly options: CheckOptions;
  readonly server: PostgresServer;
  readonly lanesAt: LanesAt;
  /** In databases of their own, for replays of what is found. */
  readonly replayLanesAt: LanesAt;
  readonly checkpoint: Checkpoint | undefined;
  /** How many there are. */
  readonly rows: number;
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

function keyOf({ implementation, condition }: Row): string {
  return `${implementation}, ${condition}`;
}

/** What was found before, of what is to be checked, once more. */
async function recallAll(rows: readonly Row[], { model, options, lanesAt }: Setting): Promise<Recalled[]> {
  const { remembered = [], signal, onProgress } = options;
  const recalled: Recalled[] = [];
  for (const each of remembered) {
    const { model: of, condition } = each.counterexample;
    if (of.name !== model.name || !rows.some((row) => isOf(row, each)) || signal?.aborted === true) continue;
    const result = await recall(await lanesAt(partsOf(condition).isolation), model, each, signal);
    recalled.push(result);
    onProgress?.({ phase: "remembered", report: rememberedReport(result) });
  }
  return recalled;
}

function isOf({ implementation, condition }: Row, { counterexample }: Remembered): boolean {
  return counterexample.implementation === implementation && counterexample.condition === condition;
}

/** What was done for one row. */
interface Done {
  readonly row: ExpectedRow;
  readonly verdict: ImplementationVerdict;
  readonly counterexamples: readonly Counterexample[];
  readonly seen: Readonly<Record<string, number>>;
  /** How many programs, where each shard has a part of the orders of all of these. */
  readonly split: number | null;
  /** What breaks it, and is not to be found and shrunk again with faults. */
  readonly known: Known;
  /** Whether it came to its end, and not only to that of its time. */
  readonly isFinished: boolean;
}

interface Explored extends Done {
  /** Seconds, shrinking not counted. */
  readonly explored: number;
}

interface Known {
  readonly found: readonly Pick<Counterexample, "violations">[];
  readonly reports: readonly ViolationReport[];
}

const nothingKnown: Known = { found: [], reports: [] };

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
  for (const [at, row] of order.entries()) {
    if (signal?.aborted === true) break;
    const known = knownWithoutFaults(row, [...done.values()]);
    const broken = new Set(known.found.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)));
    const budget = budgetOf(row, rows.length, setting.options, order.length - at, left, broken);
    const own = recalled.filter(({ remembered }) => isOf(row, remembered));
    const result =
      finishedBefore(row, setting) ?? (await checkRow(row, rows.indexOf(row), budget, known, own, setting));
    if (result.isFinished) await setting.checkpoint?.finish(keyOf(row), { ...result, explored: 0 });
    left -= result.explored;
    done.set(row, result);
    onProgress?.({ phase: "done", implementation: result.verdict });
  }
  return rows.flatMap((row) => done.get(row) ?? []);
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

/** What breaks an implementation without faults breaks it with them, too. */
function knownWithoutFaults({ implementation, condition }: Row, done: readonly Done[]): Known {
  const { isolation, faults } = partsOf(condition);
  if (!faults) return nothingKnown;
  return (
    done.find(({ row }) => row.implementation === implementation && row.condition === isolation)?.known ?? nothingKnown
  );
}

/** What there is to check: what the expectations name, or for what was asked whatever they say of it. */
function rowsOf(model: AnyModel, { implementations, isolation, faults }: CheckOptions): ExpectedRow[] {
  const hasFaults = Object.keys(model.faults ?? {}).length > 0;
  if (faults === true && !hasFaults) throw new UsageError(`model "${model.name}" has no faults`);
  return chosen(model, implementations).flatMap((implementation) => {
    const recorded = new Map(expectationsOf(model, implementation));
    const asked = isolation?.flatMap((level): Condition[] => (hasFaults ? [level, `${level}, with faults`] : [level]));
    return (asked ?? [...recorded.keys()])
      .filter((condition) => faults === undefined || partsOf(condition).faults === faults)
      .map((condition) => ({ implementation, condition, expected: recorded.get(condition) ?? null }));
  });
}

function requireNumbers({ executions, lanes, seconds, shrinkSeconds, shard }: CheckOptions): void {
  for (const [name, value] of Object.entries({ executions, lanes }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new UsageError(`\`${name}\` must be a whole number, at least 1, and is ${value}`);
  for (const [name, value] of Object.entries({ seconds, shrinkSeconds }))
    if (value !== undefined && !(value > 0)) throw new UsageError(`\`${name}\` must be above 0, and is ${value}`);
  if (shard !== undefined && !(Number.isSafeInteger(shard.of) && shard.number >= 1 && shard.number <= shard.of))
    throw new UsageError(`\`shard\` must be one of 1 to ${shard.of}, and is ${shard.number}`);
}

/** Explores one row, shrinks what breaks, and judges it. */
async function checkRow(
  { implementation, condition, expected }: ExpectedRow,
  number: number,
  budget: Budget,
  knownBefore: Known,
  recalled: readonly Recalled[],
  setting: Setting,
): Promise<Explored> {
  const begin = performance.now();
  const { model, options } = setting;
  const { signal, onProgress, shard, seed = defaultSeed } = options;
  const row = { implementation, condition };
  const place = { ...row, number: number + 1, rows: setting.rows };
  const { isolation, faults } = partsOf(condition);
  const lanes = await setting.lanesAt(isolation);
  const strategy = strategyOf(options.strategy ?? defaultStrategy, seed);
  const exploration = await explore({
    lanes,
    model,
    implementation,
    faults,
    strategy,
    seed,
    budget: { ...budget, firstOnly: options.firstOnly === true },
    shard,
    offset: number,
    journal: setting.checkpoint?.journalOf(keyOf(row)),
    signal,
    onProgress: (progress) => onProgress?.({ phase: "explore", ...place, of: finite(budget.executions), ...progress }),
  });
  const explored = secondsSince(begin);
  const breaking = recalled.filter(({ state, failures }) => state === "breaks" && failures.length === 0);
  const failures = [...exploration.failures, ...recalled.flatMap((each) => each.failures)];
  const all = await investigate(
    { ...exploration, failures },
    {
      lanes,
      model,
      implementation,
      known: [...knownBefore.found, ...asSmallAs(breaking, exploration)],
      replayLanes: () => setting.replayLanesAt(isolation),
      budget: shrinkBudget(options, exploration.coverage.executions),
      signal,
      enough: shrinkLimit(options, setting.rows),
      onShrink: (way, executions) => onProgress?.({ phase: "shrink", ...place, way, executions }),
    },
  );
  // What never happened again is no evidence; that it did not is a problem of its own.
  const found = all.filter(({ confirmed }) => confirmed.reproduced > 0);
  const counterexamples = found.map((each) => counterexampleOf(each, row, setting));
  const told = [...knownBefore.reports, ...found].map(({ violations }) => violations);
  const remembered = breaking.filter(({ remembered: { counterexample } }) => !isTold(counterexample, told));
  const reports = [
    ...knownBefore.reports,
    ...remembered.map(({ remembered: { file, counterexample } }) => ({
      ...reportOf(counterexample, exploration, file),
      remembered: true as const,
    })),
    ...counterexamples.map((each) => reportOf(each, exploration, fileFor(each, options.reports))),
  ];
  const verdict = verdictOf({
    name: implementation,
    condition,
    expected,
    strategy: strategy.name,
    seed,
    coverage: exploration.coverage,
    violations: reports,
    // Every shard replays what was found before; one of them tells of it.
    problems: problemsOf(exploration, all, (shard?.number ?? 1) === 1 ? recalled : []),
    interrupted: exploration.interrupted,
    seconds: secondsSince(begin),
    isPart: shard !== undefined,
  });
  const again = remembered.map((each) => each.remembered.counterexample);
  return {
    row: { ...row, expected },
    verdict,
    counterexamples: [...again, ...counterexamples],
    seen: Object.fromEntries(exploration.seen),
    split: exploration.split ?? null,
    known: {
      found: [...knownBefore.found, ...again, ...found].map(({ violations }) => ({ violations })),
      reports,
    },
    isFinished: !exploration.interrupted && !exploration.timedOut && signal?.aborted !== true,
    explored,
  };
}

/** Those that were shrunk to the end, and of which nothing smaller was seen now: they need not be shrunk again. */
function asSmallAs(breaking: readonly Recalled[], { failures }: Exploration): Counterexample[] {
  return breaking
    .map(({ remembered }) => remembered.counterexample)
    .filter(({ violations, shrink }) => {
      if (shrink.minimality?.kind === "cut off") return false;
      const smaller = failures.filter(({ trace }) => sizeOf(trace).operations < shrink.to.operations);
      return !violations.some((way) =>
        smaller.some((failure) => failure.violations.some((other) => isSame(way, other))),
      );
    });
}

function isSame(a: Violation, b: Violation): boolean {
  return a.invariant === b.invariant && a.way === b.way;
}

/** Whether all the ways in which a counterexample breaks are told of by others. */
function isTold({ violations }: Counterexample, others: readonly (readonly Violation[])[]): boolean {
  return violations.every((way) => others.some((each) => each.some((other) => isSame(way, other))));
}

/** What keeps executions from counting, and the verdict from being certain. */
function problemsOf(
  exploration: Exploration,
  all: readonly Found[],
  recalled: readonly Recalled[],
): Map<string, number> {
  const problems = new Map(exploration.problems);
  for (const { confirmed, signature } of all.filter(({ confirmed }) => confirmed.reproduced < confirmed.times))
    problems.set(
      `uncontrolled nondeterminism: only ${confirmed.reproduced} of ${confirmed.times} replays gave the same steps (${signature})`,
      1,
    );
  for (const { remembered, state, note } of recalled)
    if (state === "diverged")
      problems.set(
        `${remembered.file} diverged, and whether it is fixed could not be told: ${note}. Remove the file if it is of no use any more`,
        1,
      );
  return problems;
}

/** Executions for shrinking: as many as for exploring, within reason; any number, where there is a limit in time. */
function shrinkBudget({ shrinkSeconds }: CheckOptions, explored: number): InvestigateOptions["budget"] {
  if (shrinkSeconds !== undefined) return { inAll: Infinity, least: Infinity, mostOrders: 5_000 };
  return { inAll: Math.max(1_000, explored), least: 120 };
}

/** Aborted when this row has used up its share of the time for shrinking. */
function shrinkLimit({ shrinkSeconds }: CheckOptions, rows: number): AbortSignal | undefined {
  return shrinkSeconds === undefined ? undefined : AbortSignal.timeout((shrinkSeconds * 1000) / rows);
}

function finite(executions: number): number | undefined {
  return Number.isFinite(executions) ? executions : undefined;
}

function strategyOf(name: string, seed: string): Strategy {
  const strategy = name === defaultStrategy ? portfolio(seed) : strategyNamed(name, seed);
  if (strategy === undefined) throw new UsageError(`there is no strategy "${name}"; there are: ${strategyNames}`);
  return strategy;
}

const defaultStrategy = "portfolio";
const defaultSeed = "raceproof";

function defaultLanes(): number {
  return Math.min(8, Math.max(2, availableParallelism() * 2));
}

function chosen(model: AnyModel, wanted: readonly string[] | undefined): readonly string[] {
  const all = Object.keys(model.implementations);
  const unknown = (wanted ?? []).filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new UsageError(
      `model "${model.name}" has no implementation "${unknown.join('", "')}"; it has: ${all.join(", ")}`,
    );
  return wanted === undefined || wanted.length === 0 ? all : [...new Set(wanted)];
}

function counterexampleOf(
  found: Found,
  { implementation, condition }: Row,
  { model, server, options: { seed = defaultSeed, module } }: Setting,
): Counterexample {
  return {
    schema: "raceproof/counterexample@1",
    model: { name: model.name, module: module ?? null },
    implementation,
    condition,
    signature: found.signature,
    violations: found.violations,
    program: found.program,
    schedule: found.trace.schedule,
    trace: found.trace,
    ...(found.explanation === undefined ? {} : { explanation: found.explanation }),
    ...(found.original.length > found.to.steps ? { original: found.original } : {}),
    seed,
    shrink: { to: found.to, minimality: found.minimality, from: found.from, executions: found.executions },
    confirmed: found.confirmed,
    environment: { raceproof: version, postgres: postgresOf(server) },
  };
}

/** Where a counterexample is written, as verdicts name it. */
export function fileFor(counterexample: Counterexample, reports: string | undefined): string | null {
  return reports === undefined ? null : `${reports.replace(/\/+$/, "")}/${counterexampleFileName(counterexample)}`;
}

/** What a verdict says of a counterexample. */
function reportOf(
  { signature, violations, shrink: { to } }: Counterexample,
  { seen }: Exploration,
  file: string | null,
): ViolationReport {
  return {
    signature,
    violations,
    operations: to.operations,
    faults: to.faults,
    steps: to.steps,
    switches: to.switches,
    seen: timesSeen(seen, violations),
    counterexample: file,
  };
}

function fileOf(
  { model, server, options: { seed = defaultSeed, signal } }: Setting,
  done: readonly Done[],
  recalled: readonly Recalled[],
  seconds: number,
): VerdictFile {
  const implementations = done.map(({ verdict }) => verdict);
  const interrupted = signal?.aborted === true;
  return {
    schema: "raceproof/verdict@1",
    raceproof: version,
    model: model.name,
    seed,
    postgres: postgresOf(server),
    asExpected: !interrupted && implementations.every((each) => each.asExpected),
    interrupted,
    invariants: conditionsOf(model),
    implementations,
    claims: (model.claims ?? []).flatMap((claim) => judgeClaim(claim, { implementations }) ?? []),
    ...(recalled.length === 0 ? {} : { remembered: recalled.map(rememberedReport) }),
    seconds,
  };
}

function shardOf(
  { shard = { number: 1, of: 1 }, executions, seconds }: CheckOptions,
  definition: string,
  done: readonly Done[],
): ShardRecord {
  const { number, of } = shard;
  return {
    number,
    of,
    definition,
    executions: executions ?? null,
    seconds: seconds ?? null,
    seen: done.map(({ seen }) => seen),
    split: done.map(({ split }) => split),
  };
}

/** The model's own invariants, and those that every model has. */
function conditionsOf(model: AnyModel): VerdictFile["invariants"] {
  const own = Object.keys(model.invariants).map((name) => ({ name, when: invariantOf(model, name).when }));
  const general = [...(model.reference === undefined ? [] : [explained]), operationsEnd];
  return [...own, ...general.map((name) => ({ name, when: "quiescence" as const }))];
}

/** The server as reports name it, with every setting that is not Postgres' own. */
export function postgresOf({ version, kind, settings, superuser }: PostgresServer): VerdictFile["postgres"] {
  return { version, kind, settings: { ...settings, ...(superuser ? sessionSettings : {}) } };
}

function secondsSince(begin: number): number {
  return Math.round(performance.now() - begin) / 1000;
}
