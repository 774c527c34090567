import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { check } from "../check/check.js";
import type { CheckOptions } from "../check/options.js";
import { RaceproofError, UsageError } from "../errors.js";
import type { AnyModel, Isolation, Model } from "../execution/model.js";
import type { ImplementationVerdict } from "../explore/verdict.js";
import { replayCounterexample } from "../replay.js";
import { counterexampleFileName, readCounterexample, writeCounterexample } from "../report/counterexample-file.js";
import { lookOf } from "../report/look.js";
import { renderCounterexampleTerminal } from "../report/terminal.js";
import { gatePgOf } from "../session/pg.js";
import type { Counterexample } from "../shrink/counterexample.js";
import type { Schedule } from "../strategy/schedule.js";
import { usable } from "../usable-model.js";
import { configuredOptions } from "./configured.js";
import { leadTo, RaceError, replayCommand, scheduleLiteral } from "./failure.js";
import { playPinned } from "./pinned.js";
import { callerOf, fromHere, type Place } from "./place.js";
import { modelOfRace, type Act, type Race } from "./race.js";

/** How a race test looks for races; the same for its small and its full form. */
export interface RaceOptions {
  /** Executions under each condition. Default: 500. */
  readonly executions?: number;
  /** Seconds for exploring. Default: no limit but the executions. */
  readonly seconds?: number;
  /** As for `check`; default: `portfolio`. */
  readonly strategy?: string;
  /** Any text; the same seed gives the same programs and schedules. */
  readonly seed?: string;
  /** Levels at which transactions begin that do not say otherwise. Default: `read committed`, or what the model expects something of. */
  readonly isolation?: Isolation | readonly Isolation[];
  /** Runs this schedule alone, as a failure prints it. */
  readonly schedule?: Schedule;
  /** Executions under way at once. Default: 2. */
  readonly lanes?: number;
  /** As for `check`. */
  readonly postgres?: string;
  /** Where counterexamples are written; false for nowhere. Default: `reports`. */
  readonly reports?: string | false;
  /** `violates` for a test that fails when no race is found: of code that is known to be broken. Default: `holds`. */
  readonly expect?: "holds" | "violates";
  /** Aborting it ends the test. */
  readonly signal?: AbortSignal;
}

/** What a test that passed rests on. */
export interface RaceResult {
  /** How far it goes, in words, e.g. `all orders (about 70) of 1 program, in 4 executions`. */
  readonly claim: string;
  /** One for each condition; empty for a schedule that was pinned or replayed. */
  readonly verdicts: readonly ImplementationVerdict[];
}

/** Where the test is, and what its runner calls it. */
export interface TestIdentity {
  readonly place: Place | undefined;
  readonly file?: string | undefined;
  readonly name?: string | undefined;
}

const defaults = { executions: 500, lanes: 2, reports: "reports" };

/**
 * Looks for an order of the statements under which what runs concurrently breaks an invariant, and fails with the
 * shortest such story. For any test runner; where the runner is vitest, `raceproof/vitest` knows more of it.
 *
 * @throws {RaceError} When it finds one. Its message is the timeline, with how to replay it.
 * @throws {UsageError} When the test itself is wrong.
 * @throws {RaceproofError} When it could not be told: Postgres failed, or something that is not under control took part.
 */
export function assertNoRace<World, const Actors extends Readonly<Record<string, Act<World> | readonly Act<World>[]>>>(
  race: Race<World, Actors> & RaceOptions,
): Promise<RaceResult>;
export function assertNoRace<World, const Actors extends readonly Act<World>[]>(
  race: Race<World, Actors> & RaceOptions,
): Promise<RaceResult>;
export function assertNoRace<Initial, Impl, W, Parameters extends Record<string, unknown>>(
  model: Model<Initial, Impl, W, Parameters>,
  options?: RaceOptions & FullFormOptions,
): Promise<RaceResult>;
// oxlint-disable-next-line typescript/no-explicit-any -- the overloads say what may come
export function assertNoRace(given: any, options: RaceOptions & FullFormOptions = {}): Promise<RaceResult> {
  return raceTest(given, options, { place: callerOf() });
}

/** What only makes sense with a model. */
export interface FullFormOptions {
  /** Which of the model's implementations. Default: all. */
  readonly implementation?: string;
  /** With faults, or without, alone. Default: as the model expects something of. */
  readonly faults?: boolean;
}

/** The same for whoever knows where the test stands. */
// oxlint-disable-next-line typescript/no-explicit-any -- see above
export async function raceTest(
  given: any,
  options: RaceOptions & FullFormOptions,
  test: TestIdentity,
): Promise<RaceResult> {
  const { place } = test;
  try {
    const asked = runOf(given, options, test);
    const run = { ...asked, options: { ...(await configuredOptions()), ...asked.options } };
    // The copy of `pg` that the test, and so most likely the code under test, uses.
    const file = run.file ?? place?.file;
    if (file !== undefined) gatePgOf(file);
    const replayed = await replayFromEnvironment(run);
    if (replayed !== undefined) return replayed;
    if (run.options.schedule !== undefined) return await pinned(run, run.options.schedule);
    return await explored(run);
  } catch (error) {
    throw error instanceof RaceproofError ? leadTo(error, place) : error;
  }
}

interface Run extends TestIdentity {
  readonly model: AnyModel;
  readonly options: RaceOptions & FullFormOptions;
}

// oxlint-disable-next-line typescript/no-explicit-any -- see above
function runOf(given: any, options: RaceOptions & FullFormOptions, test: TestIdentity): Run {
  if (typeof given !== "object" || given === null)
    throw new UsageError("a race test needs an object: { schema, setup, concurrently, invariant }, or a model");
  if ("operations" in given) return { ...test, model: usable(given), options };
  const runner = test.name ?? runnersName();
  const fallback = test.place === undefined ? "race" : `race at ${fromHere(test.place.file)}:${test.place.line}`;
  const { name = runner ?? fallback } = given as { name?: string };
  // Faults of the small form say what may go wrong; those of the full form, whether it may.
  const { faults: _, ...own } = given as Race<unknown, never> & RaceOptions;
  return { ...test, name: runner, model: usable(modelOfRace(given, name)), options: { ...own, ...options } };
}

/** What the runner calls the test that is running, where it tells. */
function runnersName(): string | undefined {
  const { expect, __vitest_worker__: vitest } = globalThis as {
    expect?: { getState?: () => { currentTestName?: string } };
    __vitest_worker__?: { current?: { fullTestName?: string } };
  };
  return expect?.getState?.().currentTestName ?? vitest?.current?.fullTestName?.replaceAll(" > ", " ");
}

async function explored(run: Run): Promise<RaceResult> {
  const { model, options } = run;
  const { expect = "holds" } = options;
  const held = expectedOf(model, expect);
  const { verdict, counterexamples } = await check(usable(held), checkOptionsOf(run));
  const first = counterexamples[0];
  // Where a model says nothing of a condition that was asked for, the test does.
  const unexpected = verdict.implementations.filter((row) =>
    row.expected === null ? row.verdict !== expect : !row.asExpected,
  );
  if (unexpected.length === 0 && !verdict.interrupted)
    return { claim: claimOf(verdict.implementations), verdicts: verdict.implementations };
  if (first !== undefined && expect === "holds") throw failure(run, first);
  throw new RaceproofError(`${unexpectedText(model.name, expect, unexpected)}${verdict.interrupted ? outOfTime : ""}`);
}

/** In the small form the test says what is expected; in the full form the model does. */
function expectedOf(model: AnyModel, expect: "holds" | "violates"): AnyModel {
  if (expect === "holds") return model;
  const implementations = Object.entries(model.implementations).map(([name, { create }]) => [name, { expect, create }]);
  return { ...inherited(model), implementations: Object.fromEntries(implementations) as AnyModel["implementations"] };
}

/** A model that came through the door inherits what it was. */
function inherited(model: AnyModel): AnyModel {
  const all: Record<string, unknown> = {};
  for (const key in model) all[key] = model[key as keyof AnyModel];
  return all as unknown as AnyModel;
}

function checkOptionsOf({ options }: Run): CheckOptions {
  const { executions, seconds, strategy, seed, isolation, lanes, postgres, signal, implementation, faults } = options;
  return {
    executions: executions ?? (seconds === undefined ? defaults.executions : Number.MAX_SAFE_INTEGER),
    lanes: lanes ?? defaults.lanes,
    ...(seconds === undefined ? {} : { seconds }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(seed === undefined ? {} : { seed }),
    ...(isolation === undefined ? {} : { isolation: [isolation].flat() }),
    ...(postgres === undefined ? {} : { postgres }),
    ...(signal === undefined ? {} : { signal }),
    ...(implementation === undefined ? {} : { implementations: [implementation] }),
    ...(faults === undefined ? {} : { faults }),
    shared: true,
    firstOnly: true,
  };
}

function claimOf(verdicts: readonly ImplementationVerdict[]): string {
  const claims = verdicts.map((verdict) => `${verdict.claim}${caveatOf(verdict)}`);
  if (claims.length === 1) return claims[0]!;
  return verdicts.map(({ name, condition }, i) => `${name}, ${condition}: ${claims[i]}`).join("\n");
}

/** Green proves little where what was to run at the same time never did. */
function caveatOf({ overlaps, steps, executions }: ImplementationVerdict): string {
  const pairs = Object.values(overlaps);
  // Operations of a single step have nothing to overlap with.
  const couldOverlap = pairs.length > 0 && steps > executions * (pairs.length + 1);
  return couldOverlap && pairs.every((times) => times === 0) ? `; ${nothingOverlapped}` : "";
}

const nothingOverlapped =
  "no two operations overlapped in any of them. Does something let one in at a time, such as a pool with `max: 1`?";

function unexpectedText(name: string, expect: string, verdicts: readonly ImplementationVerdict[]): string {
  const lines = verdicts.map(({ condition, verdict, claim, problems, steps }) => {
    const why = problems.map(({ message, times }) => `\n    ${times} times: ${message}`).join("");
    const silent = steps === 0 && problems.length === 0 ? `\n    ${nothingSeen}` : "";
    return `  ${condition}: ${verdict}, after ${claim}${why}${silent}`;
  });
  const wanted = expect === "violates" ? "no race was found, and one was expected" : "it could not be told";
  return `${name}: ${wanted}\n${lines.join("\n")}`;
}

const outOfTime =
  "\nIt was interrupted before it had run what it was to. Ask for less (`executions`, `seconds`), or give the test more time (`timeout`).";

const nothingSeen =
  "no statement was seen. Does the code use a driver other than pg, or a copy of pg that was loaded before raceproof/register?";

async function pinned(run: Run, schedule: Schedule): Promise<RaceResult> {
  const { model, options } = run;
  const counterexample = await playPinned(model, schedule, options);
  const { expect = "holds" } = options;
  if (counterexample !== undefined && expect === "holds") throw failure(run, counterexample);
  if (counterexample === undefined && expect === "violates")
    throw new RaceproofError(`${model.name}: the pinned schedule breaks nothing, and was expected to`);
  return { claim: "1 pinned schedule", verdicts: [] };
}

/** Runs the counterexample that RACEPROOF_REPLAY names, if it is of this test. */
async function replayFromEnvironment(run: Run): Promise<RaceResult | undefined> {
  const file = process.env["RACEPROOF_REPLAY"];
  if (file === undefined || file === "") return undefined;
  const text = await readFile(path.resolve(file), "utf8").catch((error: unknown) => {
    throw new UsageError(`RACEPROOF_REPLAY names ${file}, which cannot be read: ${(error as Error).message}`);
  });
  const counterexample = readCounterexample(text, file);
  if (counterexample.model.name !== run.model.name) return undefined;
  const { postgres, signal } = run.options;
  const { replays } = await replayCounterexample(run.model, counterexample, {
    shared: true,
    ...(postgres === undefined ? {} : { postgres }),
    ...(signal === undefined ? {} : { signal }),
  });
  const [replay] = replays;
  if (replay?.kind === "diverged") {
    const { step, what, recorded, now } = replay.difference;
    throw new RaceproofError(
      `${file} is of code that was another: at step ${step + 1}, ${what} differs\n  recorded: ${recorded}\n  now:      ${now}`,
    );
  }
  if (replay === undefined || replay.violations.length === 0)
    return { claim: `replayed ${file}: the same steps, and every invariant holds`, verdicts: [] };
  throw failure(run, { ...counterexample, trace: replay.trace, violations: replay.violations }, file);
}

/** @param file Where the counterexample is, if it is there already. */
function failure(run: Run, counterexample: Counterexample, file = written(run, counterexample)): RaceError {
  const { place, name, model } = run;
  const testFile = run.file ?? place?.file;
  const pin = model.onlyExamples === true ? `schedule: ${scheduleLiteral(counterexample)}` : undefined;
  const again = file === undefined ? undefined : replayCommand(file, name, testFile && fromHere(testFile));
  const command = again ?? `to pin it here: ${pin ?? `seed: ${JSON.stringify(run.options.seed ?? "raceproof")}`}`;
  const timeline = renderCounterexampleTerminal(counterexample, { ...lookOf(process.stdout), replayCommand: command });
  const broken = [...new Set(counterexample.violations.map(({ invariant }) => `"${invariant}"`))].join(", ");
  const orPin = again === undefined || pin === undefined ? "" : `   or pin it here: ${pin}\n`;
  return new RaceError(`${kindOf(counterexample)} breaks ${broken}\n\n${timeline}${orPin}`, counterexample, place);
}

/** What breaks when the actors run one after the other is broken, but no race. */
function kindOf({ trace: { steps } }: Counterexample): string {
  const changes = steps.filter(({ actor }, i) => i > 0 && actor !== steps[i - 1]!.actor).length;
  const actors = new Set(steps.map(({ actor }) => actor)).size;
  const wrong = steps.some(({ fault }) => fault !== undefined);
  if (wrong) return changes < actors ? "a fault" : "a race with a fault";
  return changes < actors ? "running one after the other, without any race," : "a race";
}

function written({ options }: Run, counterexample: Counterexample): string | undefined {
  const { reports = defaults.reports } = options;
  if (reports === false) return undefined;
  const file = path.posix.join(reports, counterexampleFileName(counterexample));
  try {
    mkdirSync(reports, { recursive: true });
    const temporary = `${file}.${process.pid}.tmp`;
    writeFileSync(temporary, writeCounterexample(counterexample));
    renameSync(temporary, file);
    return file;
  } catch {
    // A read-only checkout: the schedule can be pinned all the same.
    return undefined;
  }
}
