import fc from "fast-check";
import type { Pool } from "pg";
import { UsageError } from "../errors.js";
import type { AnyModel, EmptyDatabase } from "../execution/model.js";
import type { Fault, Json, Program } from "../execution/program.js";
import type { OperationRecord, Thrown } from "../execution/trace.js";
import type { FaultKind } from "../strategy/fault.js";

/** What an actor's code works with, if it wants to. */
export interface ActContext<World> {
  /** For code that takes a pool; code with a pool of its own may ignore it. */
  readonly pool: Pool;
  /** What `setup` returned. */
  readonly world: World;
  /** Name of the actor. */
  readonly actor: string;
}

/** What an actor runs. What it returns becomes its result, as JSON. */
export type Act<World> = (context: ActContext<World>) => unknown;

/** How an actor's code ended. */
export type Result =
  // oxlint-disable-next-line typescript/no-explicit-any -- the test knows what its code returns
  | { readonly status: "fulfilled"; readonly value: any }
  | { readonly status: "rejected"; readonly reason: Thrown }
  /** Its process died. */
  | { readonly status: "crashed" };

/** By actor; a list for an actor that runs a list. */
export type Results<Actors> = {
  readonly [Name in keyof Actors]: Actors[Name] extends readonly unknown[] ? readonly Result[] : Result;
};

/** What an invariant may look at. Its own queries, through any pool, see the state at the end. */
export interface LookContext<World, Actors> {
  readonly pool: Pool;
  readonly world: World;
  readonly results: Results<Actors>;
}

/**
 * What must hold once everybody is done. It fails as an assertion of a test does, by throwing; or it returns what is wrong,
 * as a text, or false.
 */
export type Look<World, Actors> = (context: LookContext<World, Actors>) => unknown;

/** A few things that happen at the same time, and what must hold in the end. */
export interface Race<World, Actors> {
  /** What reports call it. Default: the test's name where the runner tells it, else the place in the code. */
  readonly name?: string;
  /** The tables: SQL, or a function that makes them, e.g. the migrations of the code under test. Once for each lane. */
  readonly schema?: string | ((database: EmptyDatabase) => unknown);
  /**
   * Before each execution, on empty tables (but for rows that the schema made). What it returns is handed on as `world`.
   */
  readonly setup?: (context: { readonly pool: Pool }) => World | Promise<World>;
  /** What runs at the same time, by the name of who runs it; a list runs one after the other. */
  readonly concurrently: Actors;
  readonly invariant?: Look<World, Actors>;
  /** Several, by name. */
  readonly invariants?: Readonly<Record<string, Look<World, Actors>>>;
  /** Queries whose rows the report shows beside the steps. Default: every table. */
  readonly state?: Readonly<Record<string, string>>;
  /** What may go wrong, once in an execution: for every actor, or by actor. */
  readonly faults?: readonly FaultKind[] | Readonly<Partial<Record<keyof Actors & string, readonly FaultKind[]>>>;
  /** As in a model: `real` for code whose timers are not to be steps. */
  readonly clock?: "virtual" | "real";
  /** Whether an error that is not from Postgres may leave an actor's code. */
  readonly expectedError?: (error: Thrown) => boolean;
}

type AnyAct = Act<unknown>;
type AnyRace = Race<unknown, Readonly<Record<string, AnyAct | readonly AnyAct[]>>>;

/** Whoever is under test, in reports. */
export const underTest = "code under test";

interface Held {
  world: unknown;
}

/**
 * A race as a model of one program.
 *
 * @throws {UsageError} When something is missing.
 */
export function modelOfRace(race: AnyRace, name: string): AnyModel {
  const actors = actorsOf(race);
  const invariants = race.invariant === undefined ? {} : { invariant: race.invariant };
  const looks = Object.entries({ ...invariants, ...race.invariants });
  const operations = actors.flatMap(([actor, acts]) =>
    acts.map((act, index) => [nameOf(actor, acts, index), act] as const),
  );
  return {
    name,
    schema: race.schema ?? "",
    implementations: { [underTest]: { create: () => undefined } },
    initial: fc.constant(null),
    seed: () => ({}),
    world: (): Held => ({ world: undefined }),
    setup: async ({ pool, world }: { pool: Pool; world: Held }) => {
      world.world = await race.setup?.({ pool });
    },
    operations: Object.fromEntries(
      operations.map(([operation, act]) => [operation, operationOf(race, operation, act)]),
    ),
    actors: Object.fromEntries(actors.map(([actor, acts]) => [actor, acts.map((_, i) => nameOf(actor, acts, i))])),
    ...(race.clock === undefined ? {} : { clock: race.clock }),
    ...(race.state === undefined ? {} : { state: race.state }),
    invariants: Object.fromEntries(
      looks.map(([invariant, look]) => [invariant, { look: looking(race, invariant, look) }]),
    ),
    ...(race.faults === undefined ? {} : { faults: faultsByActor(race, actors) }),
    examples: programsOf(race, actors),
    onlyExamples: true,
  };
}

type Actors = [name: string, acts: readonly AnyAct[]][];

function actorsOf({ concurrently }: AnyRace): Actors {
  if (typeof concurrently !== "object" || concurrently === null || Object.keys(concurrently).length === 0)
    throw new UsageError("`concurrently` must be functions by the name of who runs them, at least one");
  return Object.entries(concurrently).map(([key, given]) => {
    const acts = [given].flat();
    if (acts.length === 0 || acts.some((act) => typeof act !== "function"))
      throw new UsageError(`\`concurrently\` must be functions or lists of them, and "${key}" is not`);
    return [Array.isArray(concurrently) ? `actor ${Number(key) + 1}` : key, acts];
  });
}

function nameOf(actor: string, acts: readonly AnyAct[], index: number): string {
  return acts.length === 1 ? `run ${actor}` : `run ${actor} ${index + 1}`;
}

function operationOf({ expectedError }: AnyRace, operation: string, act: AnyAct): AnyModel["operations"][string] {
  // Arrow functions that were written in place have the name of their key, which says nothing.
  const label = act.name === "" || operation.includes(act.name) ? operation.replace(/^run /, "") : act.name;
  return {
    parameters: fc.constant(null),
    describe: () => label,
    run: async ({ pool, world, actor }) => act({ pool, world: (world as Held).world, actor }),
    ...(expectedError === undefined ? {} : { expectedError }),
  };
}

function faultsByActor({ faults = [] }: AnyRace, actors: Actors): Record<string, readonly FaultKind[]> {
  if (!Array.isArray(faults)) return faults as Record<string, readonly FaultKind[]>;
  return Object.fromEntries(actors.map(([actor]) => [actor, faults as FaultKind[]]));
}

/** Everybody runs everything; then the same with each of the things that may go wrong. */
function programsOf(race: AnyRace, actors: Actors): Program[] {
  const program: Program = {
    initial: null,
    actors: actors.map(([name, acts]) => ({
      name,
      operations: acts.map((_, index) => ({ operation: nameOf(name, acts, index), parameters: null })),
    })),
  };
  const faults = Object.entries(faultsByActor(race, actors)).flatMap(([actor, kinds]) =>
    [kinds].flat().map((kind): Fault => ({ actor, kind })),
  );
  return [program, ...faults.map((fault) => ({ ...program, faults: [fault] }))];
}

function looking(race: AnyRace, name: string, look: Look<unknown, AnyRace["concurrently"]>) {
  if (typeof look !== "function") throw new UsageError(`the invariant "${name}" must be a function`);
  return ({ pool, world, operations }: { pool: Pool; world: Held; operations: readonly OperationRecord[] }) =>
    look({ pool, world: world.world, results: resultsOf(race, operations) });
}

function resultsOf(
  { concurrently }: AnyRace,
  operations: readonly OperationRecord[],
): Results<AnyRace["concurrently"]> {
  const results = Object.entries(concurrently).map(([key, given]) => {
    const actor = Array.isArray(concurrently) ? `actor ${Number(key) + 1}` : key;
    const own = operations
      .filter((each) => each.actor === actor)
      .toSorted((a, b) => a.index - b.index)
      .map(resultOf);
    return [key, Array.isArray(given) ? own : own[0]] as const;
  });
  // Of a list, so that `results` can be one, too.
  const all: unknown = Array.isArray(concurrently) ? results.map(([, result]) => result) : Object.fromEntries(results);
  return all as Results<AnyRace["concurrently"]>;
}

function resultOf({ result }: OperationRecord): Result {
  if ("threw" in result) return { status: "rejected", reason: result.threw };
  return "crashed" in result ? { status: "crashed" } : { status: "fulfilled", value: result.returned satisfies Json };
}
