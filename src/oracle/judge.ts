import type { Executed } from "../execution/execution.js";
import { fromModel, invariantOf, type AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { OperationRecord } from "../execution/trace.js";
import type { Violation } from "./violation.js";

/** The condition that every model has: no operation fails with an error that is neither Postgres' nor expected. */
export const operationsEnd = "operations end as they may";

/**
 * What an execution broke: the model's invariants at quiescence, and operations that failed as they may not.
 *
 * @throws {UsageError} When an invariant throws: then the model is wrong, not the code under test.
 */
export function judge(
  model: AnyModel,
  program: Program,
  { trace, world, implementation }: Pick<Executed, "trace" | "world" | "implementation">,
): Violation[] {
  const context = { initial: program.initial, world, implementation, operations: trace.operations };
  const broken = Object.keys(model.invariants).flatMap((invariant): Violation[] => {
    const { holds } = invariantOf(model, invariant);
    const found = fromModel(model, `invariant "${invariant}"`, () => holds(trace.state, context));
    if (found === undefined) return [];
    return [typeof found === "string" ? { invariant, way: "broken", message: found } : { invariant, ...found }];
  });
  return [...broken, ...trace.operations.flatMap((operation) => failed(model, operation))];
}

/** An error from Postgres is an outcome that the code under test chose to pass on; any other is a bug it has. */
function failed(model: AnyModel, { actor, operation, result }: OperationRecord): Violation[] {
  if (!("threw" in result) || result.threw.code !== null) return [];
  if (model.operations[operation]?.expectedError?.(result.threw) === true) return [];
  const { name, message } = result.threw;
  return [
    {
      invariant: operationsEnd,
      way: `${operation} throws ${name}`,
      message: `"${operation}" of ${actor} threw ${name}: ${message}`,
    },
  ];
}
