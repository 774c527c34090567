import { stuck, type Executed } from "../execution/execution.js";
import { fromModel, invariantOf, type AnyModel, type InvariantContext, type State } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { OperationRecord } from "../execution/trace.js";
import { unexplained } from "./linearize.js";
import type { Violation } from "./violation.js";

/**
 * The condition that every model has: every operation ends, and none with an error that is not expected, but for those of
 * Postgres that come of what others do.
 */
export const operationsEnd = "operations end as they may";

/** The condition of models with a reference. */
export const explained = "some sequential order explains it";

/** Behind the way of an invariant that was broken after some COMMIT, and whole again in the end. */
export const forAMoment = ", for a moment";

/** The part of an execution that is judged. */
export type Judged = Pick<Executed, "trace" | "world" | "implementation" | "commits"> & Partial<Pick<Executed, "seen">>;

/**
 * What an execution broke: the model's invariants, at quiescence and where they say so after each COMMIT; answers and
 * final state that no sequential order explains; operations that failed as they may not, or never ended.
 *
 * @throws {UsageError} When a function of the model throws: then the model is wrong, not the code under test.
 */
export function judge(model: AnyModel, program: Program, executed: Judged): Violation[] {
  const { trace, world, implementation, seen = new Map() } = executed;
  const context = { initial: program.initial, world, implementation, operations: trace.operations, seen };
  const lost = trace.steps.filter(({ fault }) => fault === "lost answer");
  const lostAnswers = new Set(lost.map(({ actor, operation }) => `${operation} ${actor}`));
  return [
    ...Object.keys(model.invariants).flatMap((name) => broken(model, name, context, executed)),
    ...(everyoneEnded(trace.operations) ? inexplicable(model, program, executed) : []),
    ...trace.operations
      .filter(({ actor, index, result }) => !(lostAnswers.has(`${index} ${actor}`) && isOfTheDriver(result)))
      .flatMap((operation) => failed(model, operation)),
  ];
}

/** What `pg` says of a connection that broke: of one that we broke it is an outcome, as an error from Postgres is. */
function isOfTheDriver(result: OperationRecord["result"]): boolean {
  return (
    "threw" in result && /^Connection terminated|^Client has encountered a connection error/.test(result.threw.message)
  );
}

function broken(
  model: AnyModel,
  invariant: string,
  context: InvariantContext<unknown, unknown, unknown>,
  { trace, commits }: Judged,
): Violation[] {
  const { when, holds } = invariantOf(model, invariant);
  const violation = (state: State, given: typeof context): Violation | undefined => {
    const found = fromModel(model, `invariant "${invariant}"`, () => holds(state, given));
    if (found === undefined) return undefined;
    return typeof found === "string" ? { invariant, way: "broken", message: found } : { invariant, ...found };
  };
  const inTheEnd = violation(trace.state, context);
  if (inTheEnd !== undefined) return [inTheEnd];
  if (when === "quiescence") return [];
  for (const { step, state } of commits) {
    const seen = violation(state, { ...context, operations: [] });
    if (seen !== undefined) return [{ ...seen, way: `${seen.way}${forAMoment}`, after: step }];
  }
  return [];
}

/** What never ended has no answer that could be explained, and is reported as such. */
function everyoneEnded(operations: readonly OperationRecord[]): boolean {
  return !operations.some(({ result }) => "threw" in result && result.threw.name === stuck);
}

function inexplicable(model: AnyModel, { initial }: Program, { trace, world }: Judged): Violation[] {
  const found = unexplained(model, initial, trace, world);
  return found === undefined ? [] : [{ invariant: explained, ...found }];
}

/**
 * SQLSTATEs that say that a statement is wrong, whoever else is at work: class 42 (syntax, names, types, privileges), a
 * bind that does not fit its statement, what Postgres cannot do, cursors and prepared statements that there are not,
 * catalogs and schemas that there are not, and bugs inside Postgres.
 */
const wrongStatement = /^(42|08P01|0A|26|34|3D|3F|XX)/;

/** An error from Postgres is an outcome that the code under test chose to pass on; any other is a bug it has. */
function failed(model: AnyModel, { actor, operation, result }: OperationRecord): Violation[] {
  if (!("threw" in result)) return [];
  const { name, message, code } = result.threw;
  if (code !== null && !wrongStatement.test(code)) return [];
  if (name === stuck) {
    const way = `${operation} is stuck`;
    return [{ invariant: operationsEnd, way, message: `"${operation}" of ${actor} never ended: ${message}` }];
  }
  if (model.operations[operation]?.expectedError?.(result.threw) === true) return [];
  const what = code ?? name;
  return [
    {
      invariant: operationsEnd,
      way: `${operation} throws ${what}`,
      message: `"${operation}" of ${actor} threw ${what}: ${message}`,
    },
  ];
}
