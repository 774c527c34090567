import { test, type TestAPI, type TestContext, type TestOptions } from "vitest";
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
  /**
   * One test for each case, as vitest's `test.each`: `%s`, `$key` and the like in the name stand for parts of the case, and
   * a case that is a list is given as several arguments.
   */
  readonly each: <Case>(
    cases: readonly Case[],
  ) => (
    name: string,
    race: (
      ...given: Case extends readonly unknown[] ? [...Case] : [Case]
    ) =>
      | (Race<never, Readonly<Record<string, Act<never> | readonly Act<never>[]>>> & RaceOptions)
      | Model<never, never, never, never>,
    options?: RaceTestOptions,
  ) => void;
}

/** `raceTest`, and as with vitest's `test`: `only`, `skip`, `concurrent`, `sequential`, `fails`, `todo`, `skipIf` and `runIf`. */
export interface RaceTest extends DeclareRaceTest {
  readonly only: DeclareRaceTest;
  readonly skip: DeclareRaceTest;
  readonly concurrent: DeclareRaceTest;
  readonly sequential: DeclareRaceTest;
  readonly fails: DeclareRaceTest;
  readonly todo: (name: string) => void;
  readonly skipIf: (condition: unknown) => DeclareRaceTest;
  readonly runIf: (condition: unknown) => DeclareRaceTest;
}

type Declare = Pick<TestAPI, "for"> &
  ((name: string, options: TestOptions, body: (context: TestContext) => Promise<void>) => void);

/** Milliseconds: the first test of a run may have to start Postgres, and exploring takes seconds. */
const leastTimeout = 60_000;

/** How long to look, in milliseconds, so that what was found by the timeout can still be told. */
function timeForLooking(timeout: number): number {
  return Math.ceil(Math.max(timeout / 3, timeout - Math.min(10_000, Math.max(1_000, timeout / 5))));
}

/** What vitest is told of a race test, and its body. */
function prepared(options: RaceTestOptions) {
  const place = callerOf();
  const { timeout = Math.max(leastTimeout, configuredTimeout()), ...rest } = options;
  const body = async (race: object, context: TestContext): Promise<void> => {
    const signals = [context.signal, rest.signal, AbortSignal.timeout(timeForLooking(timeout))];
    const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
    const { claim } = await run(race, { ...rest, signal }, { place, ...identityOf(context) });
    await context.annotate(claim, "raceproof");
  };
  return { testOptions: { ...testOptionsOf(rest), timeout }, body };
}

function declaring(declare: Declare): DeclareRaceTest {
  const one = (name: string, race: object, options: RaceTestOptions = {}): void => {
    const { testOptions, body } = prepared(options);
    declare(name, testOptions, (context) => body(race, context));
  };
  const each =
    (cases: readonly unknown[]) =>
    (name: string, raceOf: (...given: unknown[]) => object, options: RaceTestOptions = {}): void => {
      const { testOptions, body } = prepared(options);
      declare.for(cases)(name, testOptions, (given, context) =>
        body(raceOf(...(Array.isArray(given) ? (given as unknown[]) : [given])), context),
      );
    };
  return Object.assign(one, { each: each as unknown as DeclareRaceTest["each"] });
}

/** A race test for vitest. */
export const raceTest: RaceTest = Object.assign(declaring(test), {
  only: declaring(test.only),
  skip: declaring(test.skip),
  concurrent: declaring(test.concurrent),
  sequential: declaring(test.sequential),
  fails: declaring(test.fails),
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
