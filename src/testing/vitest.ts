import { test, type TestContext, type TestOptions } from "vitest";
import type { Model } from "../execution/model.js";
import { raceTest as run, type FullFormOptions, type RaceOptions, type TestIdentity } from "./assert-no-race.js";
import { callerOf } from "./place.js";
import type { Act, Race } from "./race.js";

export type { Act, ActContext, Look, LookContext, Race, Result, Results } from "./race.js";
export type { FullFormOptions, RaceOptions } from "./assert-no-race.js";

/** What vitest knows of a test (`timeout`, `retry`, …), and how races are looked for. */
export type RaceTestOptions = TestOptions & RaceOptions & FullFormOptions;

/** Declares a test that fails when what runs concurrently breaks an invariant. */
export interface DeclareRaceTest {
  /** In its small form. The timeout is a minute, or vitest's if that is longer, unless the options have one. */
  <World, const Actors extends Readonly<Record<string, Act<World> | readonly Act<World>[]>>>(
    name: string,
    race: Race<World, Actors> & RaceOptions,
    options?: RaceTestOptions,
  ): void;
  <World, const Actors extends readonly Act<World>[]>(
    name: string,
    race: Race<World, Actors> & RaceOptions,
    options?: RaceTestOptions,
  ): void;
  /** In its full form: a model. */
  <Initial, Impl, W, Parameters extends Record<string, unknown>>(
    name: string,
    model: Model<Initial, Impl, W, Parameters>,
    options?: RaceTestOptions,
  ): void;
}

/** `raceTest`, and as with vitest's `test`: `only`, `skip`, `todo`, `skipIf` and `runIf`. */
export interface RaceTest extends DeclareRaceTest {
  readonly only: DeclareRaceTest;
  readonly skip: DeclareRaceTest;
  readonly todo: (name: string) => void;
  readonly skipIf: (condition: unknown) => DeclareRaceTest;
  readonly runIf: (condition: unknown) => DeclareRaceTest;
}

type Declare = (name: string, options: TestOptions, body: (context: TestContext) => Promise<void>) => void;

/** Milliseconds: the first test of a run may have to start Postgres, and exploring takes seconds. */
const leastTimeout = 60_000;

/** How long to look, in milliseconds, so that what was found by the timeout can still be told. */
function timeForLooking(timeout: number): number {
  return Math.ceil(Math.max(timeout / 3, timeout - Math.min(10_000, Math.max(1_000, timeout / 5))));
}

const declaring =
  (declare: Declare): DeclareRaceTest =>
  (name: string, race: object, options: RaceTestOptions = {}) => {
    const place = callerOf();
    const { timeout = Math.max(leastTimeout, configuredTimeout()), ...rest } = options;
    declare(name, { ...testOptionsOf(rest), timeout }, async (context) => {
      const signals = [context.signal, rest.signal, AbortSignal.timeout(timeForLooking(timeout))];
      const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
      const { claim } = await run(race, { ...rest, signal }, { place, ...identityOf(context) });
      await context.annotate(claim, "raceproof");
    });
  };

/** A race test for vitest. */
export const raceTest: RaceTest = Object.assign(declaring(test), {
  only: declaring(test.only),
  skip: declaring(test.skip),
  todo: (name: string) => test.todo(name),
  skipIf: (condition: unknown) => declaring(test.skipIf(condition)),
  runIf: (condition: unknown) => declaring(test.runIf(condition)),
});

/** Those that are vitest's own: it does not know the others. */
function testOptionsOf(options: RaceTestOptions): TestOptions {
  const { retry, repeats, concurrent, sequential, fails } = options;
  return Object.fromEntries(
    Object.entries({ retry, repeats, concurrent, sequential, fails }).filter(([, value]) => value !== undefined),
  );
}

function identityOf({ task }: TestContext): Omit<TestIdentity, "place"> {
  const names = [task.name];
  for (let { suite } = task; suite !== undefined; { suite } = suite) names.unshift(suite.name);
  return { file: task.file.filepath, name: names.join(" ") };
}

/** `testTimeout` of the configuration, in milliseconds; 0 there means none. */
function configuredTimeout(): number {
  const { __vitest_worker__: worker } = globalThis as { __vitest_worker__?: { config?: { testTimeout?: number } } };
  const timeout = worker?.config?.testTimeout ?? 0;
  return Number.isFinite(timeout) ? timeout : 0;
}
