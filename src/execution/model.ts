import { fileURLToPath } from "node:url";
import type { Arbitrary } from "fast-check";
import type { Pool } from "pg";
import { RaceproofError, UsageError } from "../errors.js";
import type { FaultKind } from "../strategy/fault.js";
import type { Json, OperationCall, Program } from "./program.js";
import type { CallRecord, OperationRecord, Thrown } from "./trace.js";

/** What an implementation is recorded to do. Naming the invariants is stricter: each must break, and no other may. */
export type Expectation = "holds" | "violates" | { readonly violates: readonly string[] };

/** Transaction isolation that sessions begin with, as `default_transaction_isolation` has it. */
export type Isolation = "read committed" | "repeatable read" | "serializable";

export const isolations: readonly Isolation[] = ["read committed", "repeatable read", "serializable"];

/** The level that a user means, however it is spelled: `Repeatable-Read`; undefined where there is none. */
export function isolationNamed(text: string): Isolation | undefined {
  const name = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, " ");
  return isolations.find((isolation) => isolation === name);
}

/** Under what an implementation is checked: an isolation level, with faults or without, e.g. `serializable, with faults`. */
export type Condition = Isolation | `${Isolation}, with faults`;

export const conditions: readonly Condition[] = isolations.flatMap((isolation) => [
  isolation,
  `${isolation}, with faults` as const,
]);

/** What a condition says: the isolation level, and whether things go wrong. */
export function partsOf(condition: Condition): { readonly isolation: Isolation; readonly faults: boolean } {
  const faults = condition.endsWith(", with faults");
  return { isolation: isolations.find((isolation) => condition.startsWith(isolation))!, faults };
}

/** Rows by table name (`table` or `schema.table`), each row by column name. Columns left out get their default. */
export type Rows = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** What the state queries returned: rows by query name. Integers of any size that fits are numbers, times are ISO strings. */
// oxlint-disable-next-line typescript/no-explicit-any -- rows come from SQL; a model knows its own columns
export type State = Readonly<Record<string, readonly Readonly<Record<string, any>>[]>>;

/** Where tables are to be made: by code, whose own pools lead there while it runs, or by another program. */
export interface EmptyDatabase {
  readonly pool: Pool;
  /** `postgres://…`; for tools that are told where to go. */
  readonly url: string;
}

/** One variant of the code under test. */
export interface Implementation<Impl> {
  /**
   * What the gate holds it to, the same under all conditions or for each of those under which it is to be checked.
   * Default: `holds`. Without conditions it is checked at `read committed`, and with faults too if the model has any.
   */
  readonly expect?: Expectation | Readonly<Partial<Record<Condition, Expectation>>>;
  /** Called once per execution. `pool` is for code that takes one; code with a pool of its own may ignore it. */
  readonly create: (context: { readonly pool: Pool }) => Impl;
}

/** What an operation works with. */
export interface OperationContext<Initial, Impl, World> {
  readonly implementation: Impl;
  readonly pool: Pool;
  /** What `world` made for this execution. */
  readonly world: World;
  readonly initial: Initial;
  /** Name of the actor that runs it. */
  readonly actor: string;
  /**
   * Calls a part of the operation that the model's reference knows by itself, and records its answer as JSON: `retry` may
   * consist of looking at the page and resetting the worker, between which others act.
   */
  readonly call: <T>(name: string, parameters: Json, body: () => Promise<T>) => Promise<T>;
}

/** What actors may do: with which parameters, and the code under test that it runs. */
export interface Operation<Initial, Impl, World, Parameters> {
  /**
   * Parameters, plain JSON data; a function where they depend on the initial state. (Annotate its argument: TypeScript
   * infers the type of the parameters from it before it looks at `run`.)
   */
  readonly parameters: Arbitrary<Parameters> | ((initial: Initial) => Arbitrary<Parameters>);
  /** How a call reads in reports, e.g. `retry run 1, partition 2`. Default: the name and the parameters as JSON. */
  readonly describe?: (parameters: Parameters) => string;
  /**
   * The code under test. What it returns is recorded as JSON. An error from Postgres that leaves it is an outcome, unless
   * it says that the statement itself is wrong (class 42 and its like: no race needs to be found for that); it and any
   * other error are violations, unless `expectedError` says otherwise.
   */
  readonly run: (context: OperationContext<Initial, Impl, World>, parameters: Parameters) => Promise<unknown>;
  /** Whether an error that would be a violation may leave this operation. */
  readonly expectedError?: (error: Thrown) => boolean;
}

/** What an invariant returns when it is broken. A string is a message whose way is `broken`. */
export type Broken = string | { readonly way: string; readonly message: string };

/** What an invariant may look at besides the state. */
export interface InvariantContext<Initial, Impl, World> {
  readonly initial: Initial;
  readonly world: World;
  readonly implementation: Impl;
  /** How each operation went; empty while they are under way. */
  readonly operations: readonly OperationRecord[];
  /** What invariants found that look by themselves. */
  readonly seen?: ReadonlyMap<string, Broken | undefined>;
}

/** What is broken, if anything. */
export type Judgement<Initial, Impl, World> = (
  state: State,
  context: InvariantContext<Initial, Impl, World>,
) => Broken | undefined;

/**
 * A condition on the state. A function is checked at quiescence: every actor done, every transaction ended. With
 * `when: "every commit"` it is checked after each COMMIT too, on what an outside reader sees then; what is broken then and
 * whole again in the end is reported as another way of breaking, `… for a moment`.
 */
export type Invariant<Initial, Impl, World> =
  | Judgement<Initial, Impl, World>
  | { readonly when: "quiescence" | "every commit"; readonly holds: Judgement<Initial, Impl, World> }
  | {
      /**
       * Looks by itself, at quiescence: its pools lead to the execution's database, and its statements are no steps. It
       * fails as an assertion of a test does, by throwing; or it returns what is broken, or false.
       */
      readonly look: (context: InvariantContext<Initial, Impl, World> & WithPool) => unknown;
    };

export interface WithPool {
  readonly pool: Pool;
}

/** One of the calls whose answers a sequential order must explain. */
export type Call = Pick<CallRecord, "actor" | "name" | "parameters" | "result">;

/**
 * What the operations do when they run one after the other: pure TypeScript, no database. Every execution's answers and
 * final state must be explained by some order of the calls that respects which of them ended before which began
 * (linearizability, Herlihy and Wing 1990; found as by Wing and Gong 1993). The calls are those made by `context.call`
 * with a name that `explain` knows; of an operation that makes none, the operation itself.
 */
export interface Reference<Initial, World, S = unknown> {
  /** Plain JSON data: equal states must have equal JSON. */
  readonly initial: (initial: Initial) => S;
  /**
   * By name of the call: the states it may leave behind, given what it answered; none when it could not have answered
   * so in this state. A call that crashed or threw may or may not have had its effect: return both states.
   */
  readonly explain: Readonly<Record<string, (state: S, call: Call) => readonly S[]>>;
  /** How the state at quiescence contradicts this one; undefined when it does not. */
  readonly final?: (reference: S, state: State, context: { readonly world: World }) => Broken | undefined;
}

/**
 * Something that somebody says of an implementation. Its verdict is never written down: the claim is true where none of
 * its invariants breaks under its conditions, and false with the counterexample of the first that does.
 */
export interface Claim {
  /** What is claimed, in a few words of whoever claims it. */
  readonly topic: string;
  /** Where it is claimed, e.g. the heading of a document. */
  readonly where?: string;
  readonly implementations: readonly string[];
  /** Under which of the conditions that the implementations are checked under. Default: all without faults. */
  readonly conditions?: readonly Condition[];
  /** What must hold for it to be true. */
  readonly invariants: readonly string[];
}

/** What is tested: a schema, its implementations, the operations that actors run, and what must hold. */
export interface Model<Initial, Impl, World, Parameters extends Record<string, unknown>> {
  readonly name: string;
  /** SQL that makes the tables in an empty database, or code that does, such as the user's own migrations; run once per lane. */
  readonly schema: string | ((database: EmptyDatabase) => unknown);
  readonly implementations: Readonly<Record<string, Implementation<Impl>>>;
  /** Initial states; plain JSON data. */
  readonly initial: Arbitrary<Initial>;
  /** The rows of an initial state. Every table is emptied and every sequence reset before. */
  readonly seed: (initial: Initial) => Rows;
  /**
   * Called in each execution once the rows of `seed` are there: what only code can set up. Its pools lead to the
   * execution's database, and its statements are no steps.
   */
  readonly setup?: (context: WithPool & { readonly initial: Initial; readonly world: World }) => unknown;
  /** What actors share outside Postgres (a queue, a cache), made anew for each execution. */
  readonly world?: (initial: Initial) => World;
  readonly operations: { readonly [Name in keyof Parameters]: Operation<Initial, Impl, World, Parameters[Name]> };
  /**
   * `real` for code whose timers are not to be steps: it is waited for as it runs, for two seconds at most. Default: timers,
   * `Date` and `Math.random` are virtual while code runs for an actor, and what it waits for is a step.
   */
  readonly clock?: "virtual" | "real";
  /** Who there may be, and which operations each may run, the simplest first: shrinking replaces an operation by an earlier one. */
  readonly actors: Readonly<Record<string, readonly (keyof Parameters & string)[]>>;
  /** How many operations one actor runs at most in a generated program. Default: 2. */
  readonly operationsPerActor?: number;
  /** Queries, by name, whose rows the invariants judge. Default: the rows of every table, without columns of times and the like. */
  readonly state?: Readonly<Record<string, string>>;
  readonly invariants: Readonly<Record<string, Invariant<Initial, Impl, World>>>;
  /** What is said of implementations; the verdict on each is computed from what broke. */
  readonly claims?: readonly Claim[];
  /** The sequential reference, for the invariant `some sequential order explains it`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- its state is nobody's business but its own
  readonly reference?: Reference<Initial, World, any>;
  /**
   * What may go wrong, by actor, in programs that are generated with faults, the simplest first.
   */
  readonly faults?: Readonly<Record<string, readonly FaultKind[]>>;
  /** How many faults a generated program has at most. Default: 1. */
  readonly faultsPerProgram?: number;
  /** Called when an actor's process has died, once its connections are gone: what it held outside Postgres comes free. */
  readonly crashed?: (context: { readonly world: World; readonly actor: string }) => void;
  /** Programs to explore before any that are generated: what experience says is worth a look. */
  readonly examples?: readonly Program<Initial, Parameters[keyof Parameters]>[];
  /** Whether only the examples are programs, as they are: none is generated, and shrinking leaves operations alone. */
  readonly onlyExamples?: boolean;
  /**
   * SQL to run once the initial state's rows are there, DDL included: a schema in the middle of a migration, say. Empty
   * for none. What it changes about the schema is undone before the next execution.
   */
  readonly prepare?: (initial: Initial) => string;
  /** What a report shows beside each step: a short text per column. Default: the rows of each state query. */
  readonly display?: (state: State) => Readonly<Record<string, string>>;
  /**
   * Further candidates for shrinking, each simpler than the program given: what removing operations and fast-check's
   * shrinking of parameters cannot reach in one step, such as renaming partition 2 to 1 everywhere.
   */
  readonly simplify?: (
    program: Program<Initial, Parameters[keyof Parameters]>,
  ) => Iterable<Program<Initial, Parameters[keyof Parameters]>>;
}

/** A model whose type parameters do not matter. */
// oxlint-disable-next-line typescript/no-explicit-any -- parameters are checked where the model is written
export type AnyModel = Model<any, any, any, any>;

/** When an invariant is checked, and its condition. */
export function invariantOf(model: AnyModel, name: string) {
  const invariant = model.invariants[name]!;
  if (typeof invariant === "function") return { when: "quiescence", holds: invariant } as const;
  if (!("look" in invariant)) return invariant;
  const holds: Judgement<unknown, unknown, unknown> = (_, { seen }) => seen?.get(name);
  return { when: "quiescence", holds } as const;
}

/** The schema as far as it is text. */
export function schemaText({ schema }: AnyModel): string {
  return typeof schema === "string" ? schema : "";
}

/** Whether an invariant looks at what readers see while operations are under way. */
export function hasEveryCommit({ invariants }: AnyModel): boolean {
  return Object.keys(invariants).some((name) => invariantOf({ invariants } as AnyModel, name).when === "every commit");
}

/** What the gate holds an implementation to, under each condition under which it is to be checked. */
export function expectationsOf(model: AnyModel, implementation: string): [Condition, Expectation][] {
  const expect = model.implementations[implementation]?.expect ?? "holds";
  if (typeof expect === "object" && !("violates" in expect))
    return Object.entries(expect) as [Condition, Expectation][];
  const conditions: Condition[] = ["read committed"];
  if (Object.keys(model.faults ?? {}).length > 0) conditions.push("read committed, with faults");
  return conditions.map((condition) => [condition, expect]);
}

/** Checks a model's types where it is written; returns it as it is. */
export function defineModel<Initial, Impl, World, Parameters extends Record<string, unknown>>(
  model: Model<Initial, Impl, World, Parameters>,
): Model<Initial, Impl, World, Parameters> {
  return model;
}

/** The parameters that an operation may have in programs that begin with this state. */
export function parametersOf(model: AnyModel, operation: string, initial: Json): Arbitrary<Json> {
  const { parameters } = model.operations[operation]!;
  return typeof parameters === "function"
    ? fromModel(model, `parameters of "${operation}"`, () => parameters(initial))
    : parameters;
}

/** How the model describes a call; undefined where it leaves that to the report. */
export function describeCall(model: AnyModel, { operation, parameters }: OperationCall): string | undefined {
  return model.operations[operation]?.describe?.(parameters);
}

/**
 * Calls a function of a model.
 *
 * @throws {UsageError} When it throws: then the model is wrong, not the code under test.
 */
export function fromModel<T>(model: AnyModel, what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RaceproofError) throw error;
    throw new UsageError(`${what} of model "${model.name}" threw ${withPlace(error)}`);
  }
}

/** An error and the line of the user's own code that it came from: the rest of the stack is ours and nobody's business. */
export function withPlace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  const place = frames.find((line) => !line.includes("node:") && !line.includes(ours));
  return `${error.name}: ${error.message}${place === undefined ? "" : `\n  ${place.trim()}`}`;
}

/** The folder of our own sources. */
const ours = fileURLToPath(new URL("..", import.meta.url));
