import { availableParallelism } from "node:os";
import { UsageError } from "./errors.js";
import type { Lanes } from "./execution/lanes.js";
import {
  expectationsOf,
  invariantOf,
  partsOf,
  type AnyModel,
  type Condition,
  type Expectation,
  type Isolation,
} from "./execution/model.js";
import { portfolio } from "./explore/portfolio.js";
import { explore, type Budget, type Progress } from "./explore/explore.js";
import { judgeClaim } from "./explore/matrix.js";
import { verdictOf, type ImplementationVerdict, type VerdictFile, type ViolationReport } from "./explore/verdict.js";
import { explained, operationsEnd } from "./oracle/judge.js";
import type { PostgresServer } from "./postgres/server.js";
import { counterexampleFileName } from "./report/counterexample-file.js";
import { sessionSettings } from "./session/connections.js";
import type { Counterexample } from "./shrink/counterexample.js";
import { investigate, type Found } from "./shrink/investigate.js";
import { strategyNamed, strategyNames } from "./strategy/named.js";
import type { Strategy } from "./strategy/strategy.js";
import { usable } from "./usable-model.js";
import { version } from "./version.js";
import { withLanes, withServer } from "./with-server.js";

/** Executions for each implementation under each condition, unless said otherwise: fewer where there are many. */
export const defaultExecutions = { most: 2_000, least: 250, inAll: 8_000 };

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
  /** Seconds for exploring, shared evenly among implementations and conditions; shrinking what was found comes on top. Default: no limit. */
  readonly seconds?: number;
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
  /** Aborting it ends the check with what was found so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: CheckProgress) => void;
}

/** How far a check is. */
export type CheckProgress =
  | ({ readonly phase: "explore"; readonly of: number | undefined } & Row & Progress)
  | ({ readonly phase: "shrink"; readonly way: string; readonly executions: number } & Row)
  | { readonly phase: "done"; readonly implementation: ImplementationVerdict };

export interface CheckResult {
  readonly verdict: VerdictFile;
  /** One for each violation in the verdict; those that break without faults are not told again with them. */
  readonly counterexamples: readonly Counterexample[];
}

/** One implementation under one condition. */
interface Row {
  readonly implementation: string;
  readonly condition: Condition;
}

/**
 * Holds a model's implementations to what they are expected to do: explores, shrinks what breaks, replays it, and says
 * how far the verdict goes.
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
    withLanes(server, model, options.lanes ?? defaultLanes(), async (lanesAt) => {
      const verdicts: ImplementationVerdict[] = [];
      const counterexamples: Counterexample[] = [];
      const known = new Map<string, Known>();
      for (const row of rows) {
        if (options.signal?.aborted === true) break;
        const { isolation, faults } = partsOf(row.condition);
        const key = `${isolation} ${row.implementation}`;
        const lanes = await lanesAt(isolation);
        const result = await checkOne(model, row, { ...options, lanes, server, rows, faults, known: known.get(key) });
        if (!faults) known.set(key, result);
        verdicts.push(result.verdict);
        counterexamples.push(...result.counterexamples);
        options.onProgress?.({ phase: "done", implementation: result.verdict });
      }
      const interrupted = options.signal?.aborted === true;
      return { verdict: fileOf(model, server, options, verdicts, interrupted, secondsSince(begin)), counterexamples };
    });
  return withServer(options.postgres, run, options.shared);
}

interface ExpectedRow extends Row {
  readonly expected: Expectation | null;
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

function requireNumbers({ executions, lanes, seconds }: CheckOptions): void {
  for (const [name, value] of Object.entries({ executions, lanes }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new UsageError(`\`${name}\` must be a whole number, at least 1, and is ${value}`);
  if (seconds !== undefined && !(seconds > 0)) throw new UsageError(`\`seconds\` must be above 0, and is ${seconds}`);
}

/** What is known to break an implementation without faults. */
interface Known {
  readonly found: readonly Found[];
  readonly reports: readonly ViolationReport[];
}

interface Setting extends Omit<CheckOptions, "lanes"> {
  readonly lanes: Lanes;
  readonly server: PostgresServer;
  readonly rows: readonly Row[];
  readonly faults: boolean;
  readonly known: Known | undefined;
}

async function checkOne(model: AnyModel, { implementation, condition, expected }: ExpectedRow, setting: Setting) {
  const begin = performance.now();
  const { lanes, signal, onProgress, seed = defaultSeed, known } = setting;
  const row = { implementation, condition };
  const budget = { ...budgetOf(setting, expected), firstOnly: setting.firstOnly === true };
  const strategy = strategyOf(setting.strategy ?? defaultStrategy, seed);
  const exploration = await explore({
    lanes,
    model,
    implementation,
    faults: setting.faults,
    strategy,
    seed,
    budget,
    signal,
    onProgress: (progress) => onProgress?.({ phase: "explore", ...row, of: finite(budget.executions), ...progress }),
  });
  const all = await investigate(exploration, {
    lanes,
    model,
    implementation,
    known: known?.found ?? [],
    budget: shrinkBudget(exploration.coverage.executions),
    signal,
    onShrink: (way, executions) => onProgress?.({ phase: "shrink", ...row, way, executions }),
  });
  // What never happened again is no evidence; that it did not is a problem of its own.
  const found = all.filter(({ confirmed }) => confirmed.reproduced > 0);
  const counterexamples = found.map((each) => counterexampleOf(each, model, row, setting));
  const problems = new Map(exploration.problems);
  for (const { confirmed, signature } of all.filter(({ confirmed }) => confirmed.reproduced < confirmed.times)) {
    problems.set(
      `uncontrolled nondeterminism: only ${confirmed.reproduced} of ${confirmed.times} replays gave the same steps (${signature})`,
      1,
    );
  }
  const reports = [
    ...(known?.reports ?? []),
    ...found.map((each, i) => reportOf(each, counterexamples[i]!, setting.reports)),
  ];
  const verdict = verdictOf({
    name: implementation,
    condition,
    expected,
    strategy: strategy.name,
    seed,
    coverage: exploration.coverage,
    violations: reports,
    problems,
    interrupted: exploration.interrupted,
    seconds: secondsSince(begin),
  });
  return { verdict, counterexamples, found, reports };
}

/** Where nobody said how far to go, what has broken all that it is recorded to break has said enough at some point. */
function budgetOf({ executions, seconds, rows, known }: Setting, expected: Expectation | null): Budget {
  if (seconds !== undefined) return { executions: executions ?? Infinity, seconds: seconds / rows.length };
  if (executions !== undefined) return { executions };
  const { most, least, inAll } = defaultExecutions;
  const share = Math.max(least, Math.min(most, Math.floor(inAll / rows.length)));
  // Of many rows, those that are to break something need the most: every one of their cells is to be found.
  if (expected === null || typeof expected === "string")
    return { executions: share > least ? share : Math.ceil(least * 0.6) };
  const broken = new Set(known?.reports.flatMap(({ violations }) => violations.map(({ invariant }) => invariant)));
  const invariants = expected.violates.filter((invariant) => !broken.has(invariant));
  return { executions: share, enough: { invariants, executions: Math.ceil(share / 2.5) } };
}

/** Executions for shrinking: as many as for exploring, within reason. */
function shrinkBudget(explored: number): number {
  return Math.max(1_000, explored);
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
  model: AnyModel,
  { implementation, condition }: Row,
  { seed = defaultSeed, module, server }: Setting,
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
    seed,
    shrink: { from: found.from, to: found.to, executions: found.executions },
    confirmed: found.confirmed,
    environment: { raceproof: version, postgres: postgresOf(server) },
  };
}

function reportOf(found: Found, counterexample: Counterexample, reports: string | undefined): ViolationReport {
  const { signature, violations, to, seen } = found;
  const file =
    reports === undefined ? null : `${reports.replace(/\/+$/, "")}/${counterexampleFileName(counterexample)}`;
  return {
    signature,
    violations,
    operations: to.operations,
    faults: to.faults,
    steps: to.steps,
    switches: to.switches,
    seen,
    counterexample: file,
  };
}

function fileOf(
  model: AnyModel,
  server: PostgresServer,
  { seed = defaultSeed }: CheckOptions,
  implementations: ImplementationVerdict[],
  interrupted: boolean,
  seconds: number,
): VerdictFile {
  const asExpected = !interrupted && implementations.every((each) => each.asExpected);
  return {
    schema: "raceproof/verdict@1",
    raceproof: version,
    model: model.name,
    seed,
    postgres: postgresOf(server),
    asExpected,
    interrupted,
    invariants: conditionsOf(model),
    implementations,
    claims: (model.claims ?? []).flatMap((claim) => judgeClaim(claim, { implementations }) ?? []),
    seconds,
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
