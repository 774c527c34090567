import { availableParallelism } from "node:os";
import { UsageError } from "./errors.js";
import type { Lanes } from "./execution/lanes.js";
import { expectationsOf, type AnyModel } from "./execution/model.js";
import { explore, type Progress } from "./explore/explore.js";
import { verdictOf, type ImplementationVerdict, type VerdictFile, type ViolationReport } from "./explore/verdict.js";
import type { PostgresServer } from "./postgres/server.js";
import { counterexampleFileName } from "./report/counterexample-file.js";
import { sessionSettings } from "./session/connections.js";
import type { Counterexample } from "./shrink/counterexample.js";
import { investigate, type Found } from "./shrink/investigate.js";
import { random } from "./strategy/random.js";
import { usable } from "./usable-model.js";
import { version } from "./version.js";
import { withLanes, withServer } from "./with-server.js";

/** Executions per implementation, unless said otherwise. */
export const defaultExecutions = 2_000;

export interface CheckOptions {
  /** Which implementations; default: all. */
  readonly implementations?: readonly string[];
  /** Any text; the same seed gives the same programs, schedules and verdict. Default: `raceproof`. */
  readonly seed?: string;
  /** Executions per implementation. Default: 2,000, or as many as fit when `seconds` is given. */
  readonly executions?: number;
  /** Seconds for exploring, shared evenly among the implementations; shrinking what was found comes on top. Default: no limit. */
  readonly seconds?: number;
  /** Executions under way at once. Default: two for each processor, at least 2, at most 8. */
  readonly lanes?: number;
  /** `embedded`, `container[:image]`, `postgres://…` or a directory with Postgres' programs. Default: `RACEPROOF_POSTGRES`, else embedded. */
  readonly postgres?: string;
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
  | ({ readonly phase: "explore"; readonly implementation: string; readonly of: number | undefined } & Progress)
  | { readonly phase: "shrink"; readonly implementation: string; readonly way: string; readonly executions: number }
  | { readonly phase: "done"; readonly implementation: ImplementationVerdict };

export interface CheckResult {
  readonly verdict: VerdictFile;
  /** One for each violation in the verdict. */
  readonly counterexamples: readonly Counterexample[];
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
  const names = chosen(model, options.implementations);
  return withServer(options.postgres, (server) =>
    withLanes(server, model, options.lanes ?? defaultLanes(), async (lanes) => {
      const verdicts: ImplementationVerdict[] = [];
      const counterexamples: Counterexample[] = [];
      for (const name of names) {
        if (options.signal?.aborted === true) break;
        const result = await checkOne(model, name, names.length, { ...options, lanes, server });
        verdicts.push(result.verdict);
        counterexamples.push(...result.counterexamples);
        options.onProgress?.({ phase: "done", implementation: result.verdict });
      }
      const interrupted = options.signal?.aborted === true;
      return { verdict: fileOf(model, server, options, verdicts, interrupted, secondsSince(begin)), counterexamples };
    }),
  );
}

function requireNumbers({ executions, lanes, seconds }: CheckOptions): void {
  for (const [name, value] of Object.entries({ executions, lanes }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new UsageError(`\`${name}\` must be a whole number, at least 1, and is ${value}`);
  if (seconds !== undefined && !(seconds > 0)) throw new UsageError(`\`seconds\` must be above 0, and is ${seconds}`);
}

interface Setting extends Omit<CheckOptions, "lanes"> {
  readonly lanes: Lanes;
  readonly server: PostgresServer;
}

async function checkOne(model: AnyModel, implementation: string, among: number, setting: Setting) {
  const begin = performance.now();
  const { lanes, signal, onProgress, seed = defaultSeed } = setting;
  const seconds = setting.seconds === undefined ? {} : { seconds: setting.seconds / among };
  const of = setting.executions ?? (setting.seconds === undefined ? defaultExecutions : undefined);
  const strategy = random(seed);
  const exploration = await explore({
    lanes,
    model,
    implementation,
    strategy,
    seed,
    budget: { executions: of ?? Infinity, ...seconds },
    signal,
    onProgress: (progress) => onProgress?.({ phase: "explore", implementation, of, ...progress }),
  });
  const all = await investigate(exploration, {
    lanes,
    model,
    implementation,
    signal,
    onShrink: (way, executions) => onProgress?.({ phase: "shrink", implementation, way, executions }),
  });
  // What never happened again is no evidence; that it did not is a problem of its own.
  const found = all.filter(({ confirmed }) => confirmed.reproduced > 0);
  const counterexamples = found.map((each) => counterexampleOf(each, model, implementation, setting));
  const problems = new Map(exploration.problems);
  for (const { confirmed, signature } of all.filter(({ confirmed }) => confirmed.reproduced < confirmed.times)) {
    problems.set(
      `uncontrolled nondeterminism: only ${confirmed.reproduced} of ${confirmed.times} replays gave the same steps (${signature})`,
      1,
    );
  }
  const verdict = verdictOf({
    name: implementation,
    expected: expectationsOf(model, implementation)[0]![1],
    strategy: strategy.name,
    seed,
    coverage: exploration.coverage,
    violations: found.map((each, i) => reportOf(each, counterexamples[i]!, setting.reports)),
    problems,
    interrupted: exploration.interrupted,
    seconds: secondsSince(begin),
  });
  return { verdict, counterexamples };
}

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
  implementation: string,
  { seed = defaultSeed, module, server }: Setting,
): Counterexample {
  return {
    schema: "raceproof/counterexample@1",
    model: { name: model.name, module: module ?? null },
    implementation,
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
    implementations,
    seconds,
  };
}

/** The server as reports name it, with every setting that is not Postgres' own. */
export function postgresOf({ version, kind, settings, superuser }: PostgresServer): VerdictFile["postgres"] {
  return { version, kind, settings: { ...settings, ...(superuser ? sessionSettings : {}) } };
}

function secondsSince(begin: number): number {
  return Math.round(performance.now() - begin) / 1000;
}
