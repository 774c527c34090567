import { fileURLToPath } from "node:url";
import type { Arbitrary } from "fast-check";
import type { Pool } from "pg";
import { RaceproofError, UsageError } from "../errors.js";
import type { Json, OperationCall, Program } from "./program.js";
import type { OperationRecord, Thrown } from "./trace.js";

/** What an implementation is recorded to do. Naming the invariants is stricter: each must break, and no other may. */
export type Expectation = "holds" | "violates" | { readonly violates: readonly string[] };

/** Rows by table name (`table` or `schema.table`), each row by column name. Columns left out get their default. */
export type Rows = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** What the state queries returned: rows by query name. Integers of any size that fits are numbers, times are ISO strings. */
// oxlint-disable-next-line typescript/no-explicit-any -- rows come from SQL; a model knows its own columns
export type State = Readonly<Record<string, readonly Readonly<Record<string, any>>[]>>;

/** One variant of the code under test. */
export interface Implementation<Impl> {
  /** What the gate holds it to. Default: `holds`. */
  readonly expect?: Expectation;
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
}

export interface Operation<Initial, Impl, World, Parameters> {
  /**
   * Parameters, plain JSON data; a function where they depend on the initial state. (Annotate its argument: TypeScript
   * infers the type of the parameters from it before it looks at `run`.)
   */
  readonly parameters: Arbitrary<Parameters> | ((initial: Initial) => Arbitrary<Parameters>);
  /** How a call reads in reports, e.g. `retry run 1, partition 2`. Default: the name and the parameters as JSON. */
  readonly describe?: (parameters: Parameters) => string;
  /**
   * The code under test. What it returns is recorded as JSON. An error from Postgres that leaves it is an outcome; any
   * other error is a violation, unless `expectedError` says otherwise.
   */
  readonly run: (context: OperationContext<Initial, Impl, World>, parameters: Parameters) => Promise<unknown>;
  /** Whether an error that is not from Postgres may leave this operation. */
  readonly expectedError?: (error: Thrown) => boolean;
}

/** What an invariant returns when it is broken. A string is a message whose way is `broken`. */
export type Broken = string | { readonly way: string; readonly message: string };

/** What an invariant may look at besides the state. */
export interface InvariantContext<Initial, World, Impl = unknown> {
  readonly initial: Initial;
  /** What `world` made for this execution, as the execution left it. */
  readonly world: World;
  /** The instance that took part, for what it says of itself. Its statements are not gated here: do not run any. */
  readonly implementation: Impl;
  /** Every operation with what it returned or threw, in the order of their first steps. */
  readonly operations: readonly OperationRecord[];
}

/** A condition on the state at quiescence (every actor done, every transaction ended) and on what operations answered. */
export type Invariant<Initial, World, Impl = unknown> = (
  state: State,
  context: InvariantContext<Initial, World, Impl>,
) => Broken | undefined;

/** What is tested: a schema, its implementations, the operations that actors run, and what must hold. */
export interface Model<Initial, Impl, World, Parameters extends Record<string, unknown>> {
  readonly name: string;
  /** SQL that makes the tables in an empty database; run once per lane. */
  readonly schema: string;
  readonly implementations: Readonly<Record<string, Implementation<Impl>>>;
  /** Initial states; plain JSON data. */
  readonly initial: Arbitrary<Initial>;
  /** The rows of an initial state. Every table is emptied and every sequence reset before. */
  readonly seed: (initial: Initial) => Rows;
  /** What actors share outside Postgres (a queue, a cache), made anew for each execution. */
  readonly world?: (initial: Initial) => World;
  readonly operations: { readonly [Name in keyof Parameters]: Operation<Initial, Impl, World, Parameters[Name]> };
  /** Who there may be, and which operations each may run, the simplest first: shrinking replaces an operation by an earlier one. */
  readonly actors: Readonly<Record<string, readonly (keyof Parameters & string)[]>>;
  /** How many operations one actor runs at most in a generated program. Default: 2. */
  readonly operationsPerActor?: number;
  /** Queries, by name, whose rows the invariants judge. */
  readonly state: Readonly<Record<string, string>>;
  readonly invariants: Readonly<Record<string, Invariant<Initial, World, Impl>>>;
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
function withPlace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  const place = frames.find((line) => !line.includes("node:") && !line.includes(ours));
  return `${error.name}: ${error.message}${place === undefined ? "" : `\n  ${place.trim()}`}`;
}

/** The folder of our own sources. */
const ours = fileURLToPath(new URL("..", import.meta.url));
