import { partsOf, type AnyModel } from "../execution/model.js";
import { explore, type Budget, type Exploration } from "../explore/explore.js";
import { verdictOf, type ImplementationVerdict, type ShardFindings, type ViolationReport } from "../explore/verdict.js";
import type { Violation } from "../oracle/violation.js";
import type { PostgresServer } from "../postgres/server.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { investigate, type Found, type InvestigateOptions } from "../shrink/investigate.js";
import { sizeOf } from "../shrink/size.js";
import type { Checkpoint } from "../store/checkpoint.js";
import type { LanesAt } from "../with-server.js";
import { defaultSeed, defaultStrategy, strategyOf, type CheckOptions, type Place } from "./options.js";
import type { Recalled } from "./remembered.js";
import { keyOf, type ExpectedRow } from "./rows.js";
import { explorationOfAll, findingsOf, type ShardResult } from "./shards.js";
import { counterexampleOf, fileFor, reportOf } from "./tell.js";

/** What all rows have in common. */
export interface Setting {
  readonly model: AnyModel;
  readonly options: CheckOptions;
  readonly server: PostgresServer;
  readonly lanesAt: LanesAt;
  /** In databases of their own, for replays of what is found. */
  readonly replayLanesAt: LanesAt;
  readonly checkpoint: Checkpoint | undefined;
  /** How many there are. */
  readonly rows: number;
  /** What has explored them already, if anything has. */
  readonly shards: readonly ShardResult[] | undefined;
}

/** What was done for one row. */
export interface Done {
  readonly row: ExpectedRow;
  readonly verdict: ImplementationVerdict;
  readonly counterexamples: readonly Counterexample[];
  /** What was found before it was shrunk. */
  readonly found: ShardFindings;
  /** How many programs, where each shard has a part of the orders of all of these. */
  readonly split: number | null;
  /** What breaks it, and is not to be found and shrunk again with faults. */
  readonly known: Known;
  /** Whether it came to its end, and not only to that of its time. */
  readonly isFinished: boolean;
}

export interface Explored extends Done {
  /** Seconds, shrinking not counted. */
  readonly explored: number;
}

/** What is known to break a row before it is looked at. */
export interface Known {
  readonly found: readonly Pick<Counterexample, "violations">[];
  readonly reports: readonly ViolationReport[];
}

export const nothingKnown: Known = { found: [], reports: [] };

/** A row that is being explored. */
export interface Exploring {
  readonly row: ExpectedRow;
  readonly place: Place;
  /** Has its progress shown from now on: its turn has come. */
  show(): void;
  /** What came of it, and how many seconds it took. */
  readonly end: Promise<{ readonly exploration: Exploration; readonly seconds: number }>;
}

/**
 * Begins to explore a row.
 *
 * @param number Of the row among all, from 0.
 */
export function beginRow(row: ExpectedRow, number: number, budget: Budget, setting: Setting): Exploring {
  const { implementation, condition } = row;
  const place = { implementation, condition, number: number + 1, rows: setting.rows };
  const begin = performance.now();
  let isShown = false;
  const explored =
    setting.shards === undefined
      ? exploreRow(place, budget, setting, () => isShown)
      : exploredByShards(place, number, setting, setting.shards);
  const end = explored.then((exploration) => ({ exploration, seconds: secondsSince(begin) }));
  // Whoever waits for it does so later.
  end.catch(() => undefined);
  return { row, place, show: () => void (isShown = true), end };
}

/**
 * Shrinks what breaks a row that is explored, and judges it.
 *
 * @param hints What broke the rows before.
 */
export async function checkRow(
  { row, place, end }: Exploring,
  known: Known,
  hints: readonly Counterexample[],
  recalled: readonly Recalled[],
  setting: Setting,
): Promise<Explored> {
  const { exploration, seconds: explored } = await end;
  const begin = performance.now() - explored * 1000;
  const breaking = recalled.filter(({ state, failures }) => state === "breaks" && failures.length === 0);
  const failures = [...exploration.failures, ...recalled.flatMap((each) => each.failures)];
  const shrunkAlready = [...known.found, ...asSmallAs(breaking, exploration)];
  const all = await shrinkRow(place, { ...exploration, failures }, shrunkAlready, hints, setting);
  // Every shard replays what was found before; one of them tells of it.
  const problems = problemsOf(exploration, all, (setting.options.shard?.number ?? 1) === 1 ? recalled : []);
  const told = tellOf(row, exploration, all, known, breaking, setting);
  return {
    ...told,
    row,
    verdict: judgeRow(row, exploration, told.known.reports, problems, begin, setting),
    found: findingsOf(exploration),
    split: exploration.split ?? null,
    isFinished: !exploration.interrupted && !exploration.timedOut && setting.options.signal?.aborted !== true,
    explored,
  };
}

async function exploreRow(
  place: Place,
  budget: Budget,
  { model, options, lanesAt, checkpoint }: Setting,
  isShown: () => boolean,
) {
  const { signal, onProgress, shard, seed = defaultSeed, strategy = defaultStrategy, firstOnly } = options;
  const { isolation, faults } = partsOf(place.condition);
  return explore({
    lanes: await lanesAt(isolation),
    model,
    implementation: place.implementation,
    faults,
    strategy: strategyOf(strategy, seed),
    seed,
    budget: { ...budget, firstOnly: firstOnly === true },
    shard,
    offset: place.number - 1,
    journal: checkpoint?.journalOf(keyOf(place)),
    signal,
    onProgress: (progress) => {
      if (isShown()) onProgress?.({ phase: "explore", ...place, of: finite(budget.executions), ...progress });
    },
  });
}

async function exploredByShards(
  { implementation, condition }: Place,
  number: number,
  { model, lanesAt }: Setting,
  shards: readonly ShardResult[],
): Promise<Exploration> {
  const { isolation } = partsOf(condition);
  return explorationOfAll(shards, number, await lanesAt(isolation), model, implementation);
}

async function shrinkRow(
  place: Place,
  exploration: Exploration,
  known: Known["found"],
  hints: readonly Counterexample[],
  { model, options, lanesAt, replayLanesAt, rows }: Setting,
): Promise<Found[]> {
  const { isolation } = partsOf(place.condition);
  return investigate(exploration, {
    lanes: await lanesAt(isolation),
    model,
    implementation: place.implementation,
    known,
    hints,
    replayLanes: () => replayLanesAt(isolation),
    budget: shrinkBudget(options, exploration.coverage.executions),
    signal: options.signal,
    enough: shrinkLimit(options, rows),
    onShrink: (way, executions) => options.onProgress?.({ phase: "shrink", ...place, way, executions }),
  });
}

/** What breaks the row: what is known of it, what was remembered and breaks still, and what was found now. */
function tellOf(
  row: ExpectedRow,
  exploration: Exploration,
  all: readonly Found[],
  known: Known,
  breaking: readonly Recalled[],
  setting: Setting,
): Pick<Done, "counterexamples" | "known"> {
  // What never happened again is no evidence; that it did not is a problem of its own.
  const found = all.filter(({ confirmed }) => confirmed.reproduced > 0);
  const counterexamples = found.map((each) => counterexampleOf(each, row, setting));
  const told = [...known.reports, ...found].map(({ violations }) => violations);
  const remembered = breaking
    .map((each) => each.remembered)
    .filter(({ counterexample }) => !isTold(counterexample, told));
  const again = remembered.map(({ counterexample }) => counterexample);
  return {
    counterexamples: [...again, ...counterexamples],
    known: {
      found: [...known.found, ...again, ...found].map(({ violations }) => ({ violations })),
      reports: [
        ...known.reports,
        ...remembered.map(({ file, counterexample }) => ({
          ...reportOf(counterexample, exploration, file),
          remembered: true as const,
        })),
        ...counterexamples.map((each) => reportOf(each, exploration, fileFor(each, setting.options.reports))),
      ],
    },
  };
}

function judgeRow(
  { implementation, condition, expected }: ExpectedRow,
  { coverage, interrupted }: Exploration,
  violations: readonly ViolationReport[],
  problems: ReadonlyMap<string, number>,
  begin: number,
  { options: { seed = defaultSeed, strategy = defaultStrategy, shard } }: Setting,
): ImplementationVerdict {
  return verdictOf({
    name: implementation,
    condition,
    expected,
    strategy: strategyOf(strategy, seed).name,
    seed,
    coverage,
    violations,
    problems,
    interrupted,
    seconds: secondsSince(begin),
    isPart: shard !== undefined,
  });
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
  const problems = new Map([...exploration.problems].map(([message, { times }]) => [message, times]));
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
  // A timeout takes whole milliseconds.
  return shrinkSeconds === undefined ? undefined : AbortSignal.timeout(Math.ceil((shrinkSeconds * 1000) / rows));
}

function finite(executions: number): number | undefined {
  return Number.isFinite(executions) ? executions : undefined;
}

/** @param begin As `performance.now()` was. */
export function secondsSince(begin: number): number {
  return Math.round(performance.now() - begin) / 1000;
}
