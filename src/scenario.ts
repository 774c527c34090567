import { UsageError } from "./errors.js";
import { execute, type Assignment, type Executed } from "./execution/execution.js";
import type { Lanes } from "./execution/lanes.js";
import type { AnyModel, Isolation } from "./execution/model.js";
import { assignedPool } from "./execution/pool.js";
import type { Program } from "./execution/program.js";
import type { Trace } from "./execution/trace.js";
import { judge } from "./oracle/judge.js";
import type { Violation } from "./oracle/violation.js";
import { usable } from "./usable-model.js";
import { withLanes, withServer } from "./with-server.js";
import { MissedPin, pinned, type Leg } from "./strategy/pinned.js";

/** What a timeline must end in. */
export interface Ending {
  /** The model's display after the last step. */
  readonly display: Readonly<Record<string, string>>;
  /** Names of the invariants that are broken then; none for an implementation that stands it. */
  readonly breaks: readonly string[];
}

/** A named timeline: a program with a pinned schedule, and what each implementation must end in. */
export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly title: string;
  readonly model: AnyModel;
  readonly program: Program;
  readonly timeline: readonly Leg[];
  readonly ends: Readonly<Record<string, Ending>>;
}

/** How a scenario went for one implementation. */
export interface Played {
  readonly scenario: string;
  readonly implementation: string;
  readonly trace: Trace;
  readonly display: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly expected: Ending;
  /** Whether it ended as it must. */
  readonly asExpected: boolean;
}

/** Of which implementations scenarios are played, and where. */
export interface PlayOptions {
  /** Default: every implementation that the scenario has an ending for. */
  readonly implementations?: readonly string[];
  /** As for `check`. */
  readonly postgres?: string;
  /** Aborting it ends the play with what was played so far. */
  readonly signal?: AbortSignal;
}

/**
 * Plays scenarios, each for each implementation, and compares what they end in with what they must.
 *
 * @throws {UsageError} When an implementation has no ending, or a timeline does not fit one.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function playScenarios(
  scenarios: readonly Scenario[],
  { implementations, postgres, signal }: PlayOptions = {},
): Promise<Played[]> {
  return withServer(postgres, async (server) => {
    const played: Played[] = [];
    for (const model of new Set(scenarios.map((scenario) => scenario.model))) {
      await withLanes(server, usable(model), 1, async (lanesAt) => {
        const lanes = await lanesAt("read committed");
        for (const scenario of scenarios.filter((each) => each.model === model)) {
          const names = implementations ?? Object.keys(scenario.ends);
          for (const name of names) if (signal?.aborted !== true) played.push(await play(lanes, scenario, name));
        }
      });
    }
    return played;
  });
}

/** A program and the order of its steps, to be run for one implementation. */
export interface Timeline {
  readonly implementation: string;
  readonly program: Program;
  /** As `raceproof replay` and `raceproof export --format test` print it. */
  readonly timeline: readonly Leg[];
  /** Default: `read committed`. */
  readonly isolation?: Isolation;
  /** As for `check`. */
  readonly postgres?: string;
}

/**
 * Runs one program in a pinned order of steps: the regression test of a counterexample.
 *
 * @returns What was done, and what it broke; nothing, once the code is fixed.
 * @throws {UsageError} When the implementation does not exist, or never comes to where a leg is to stop.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function playTimeline(
  given: AnyModel,
  { implementation, program, timeline, isolation = "read committed", postgres }: Timeline,
): Promise<{ readonly trace: Trace; readonly violations: readonly Violation[] }> {
  const model = usable(given);
  if (!Object.hasOwn(model.implementations, implementation))
    throw new UsageError(`model "${model.name}" has no implementation "${implementation}"`);
  return withServer(postgres, (server) =>
    withLanes(server, model, 1, async (lanesAt) => {
      const assignment = { model, implementation, program, pool: assignedPool, record: true };
      const executed = await pinnedRun(await lanesAt(isolation), assignment, timeline, `the timeline`);
      return { trace: executed.trace, violations: judge(model, program, executed) };
    }),
  );
}

/** @throws {UsageError} When a leg does not come to where it is to stop. */
async function pinnedRun(
  lanes: Lanes,
  assignment: Assignment,
  timeline: readonly Leg[],
  what: string,
): Promise<Executed> {
  const scheduler = pinned(timeline);
  try {
    return await lanes.run(async (lane) => {
      const executed = await execute(lane, assignment, scheduler);
      const missed = scheduler.missed();
      if (missed !== undefined) throw missed;
      return executed;
    });
  } catch (error) {
    if (!(error instanceof MissedPin)) throw error;
    throw new UsageError(`${what} does not fit implementation "${assignment.implementation}": ${error.message}`);
  }
}

async function play(lanes: Lanes, scenario: Scenario, implementation: string): Promise<Played> {
  const { name, program, timeline, ends } = scenario;
  const model = usable(scenario.model);
  const expected = ends[implementation];
  if (expected === undefined)
    throw new UsageError(
      `scenario "${name}" says nothing of implementation "${implementation}"; it knows: ${Object.keys(ends).join(", ")}`,
    );
  const assignment = { model, implementation, program, pool: assignedPool, record: true };
  const executed = await pinnedRun(lanes, assignment, timeline, `scenario "${name}"`);
  const violations = judge(model, program, executed);
  const display = executed.trace.steps.at(-1)?.display ?? executed.trace.displayBefore ?? {};
  const broken = [...new Set(violations.map(({ invariant }) => invariant))];
  const asExpected = sameText(display, expected.display) && sameText(broken.toSorted(), expected.breaks.toSorted());
  return { scenario: name, implementation, trace: executed.trace, display, violations, expected, asExpected };
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
