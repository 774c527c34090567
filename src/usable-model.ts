import { UsageError } from "./errors.js";
import {
  conditions,
  fromModel,
  invariantOf,
  type AnyModel,
  type Broken,
  type InvariantContext,
  type Rows,
  type State,
} from "./execution/model.js";
import type { Json, Program } from "./execution/program.js";
import type { Thrown } from "./execution/trace.js";
import { explained, operationsEnd } from "./oracle/judge.js";
import { faultKinds } from "./strategy/fault.js";

/**
 * Checks a model at the door, and makes its functions say so when they throw or give back what they may not: a mistake
 * in a model shall read as one, and never as a bug of the code under test or of ours.
 *
 * @param from What to call it in messages, e.g. the file it came from.
 * @throws {UsageError} Naming the first thing that a model needs and this one has not.
 */
export function usable(value: unknown, from = "what was given"): AnyModel {
  if (isObject(value) && known.has(value)) return value as unknown as AnyModel;
  const model = guarded(checked(value, from));
  known.add(model);
  return model;
}

/** What has been through here already. */
const known = new WeakSet<object>();

function checked(value: unknown, from: string): AnyModel {
  const fail = (what: string): never => {
    throw new UsageError(`${from} is not a model: ${what}`);
  };
  if (value === undefined) return fail("there is no default export; write `export default defineModel({ … })`");
  if (!isObject(value)) return fail("it is not an object; write `export default defineModel({ … })`");
  const model = value as unknown as AnyModel;
  if (typeof model.name !== "string") fail("`name` must be a string");
  if (typeof model.schema !== "string" && typeof model.schema !== "function")
    fail("`schema` must be SQL in a string, or a function that makes the tables");
  if (typeof model.seed !== "function") fail("`seed` must be a function from an initial state to rows");
  if (!isArbitrary(model.initial)) fail("`initial` must be a fast-check arbitrary");
  if (!isObject(model.invariants)) fail("`invariants` must be an object");
  for (const key of ["implementations", "operations", "actors"] as const) {
    if (!isObject(model[key]) || Object.keys(model[key]).length === 0)
      fail(`\`${key}\` must be an object with at least one entry`);
  }
  if (model.state !== undefined && (!isObject(model.state) || Object.keys(model.state).length === 0))
    fail("`state` must be an object with at least one entry, or left out");
  for (const key of ["world", "display", "simplify", "prepare", "crashed", "setup"] as const)
    if (model[key] !== undefined && typeof model[key] !== "function") fail(`\`${key}\` must be a function`);
  if (model.clock !== undefined && model.clock !== "virtual" && model.clock !== "real")
    fail('`clock` must be "virtual" or "real"');
  for (const key of ["operationsPerActor", "faultsPerProgram"] as const) {
    const most = model[key];
    if (most !== undefined && !(Number.isSafeInteger(most) && most >= 1))
      fail(`\`${key}\` must be a whole number, at least 1, and is ${String(most)}`);
  }
  checkFaults(model, fail);
  checkExamples(model, fail);
  checkClaims(model, fail);
  for (const [name, sql] of Object.entries(model.state ?? {}))
    if (typeof sql !== "string") fail(`state query "${name}" must be SQL in a string`);
  for (const [name, invariant] of Object.entries(model.invariants)) {
    const looks = isObject(invariant) && "look" in invariant;
    const holds: unknown = looks ? invariant.look : isObject(invariant) ? invariant["holds"] : invariant;
    if (typeof holds !== "function") fail(`invariant "${name}" must be a function, { when, holds } or { look }`);
    const when = isObject(invariant) && !looks ? invariant["when"] : "quiescence";
    if (when !== "quiescence" && when !== "every commit")
      fail(`\`when\` of invariant "${name}" must be "quiescence" or "every commit"`);
    if (name === operationsEnd || name === explained)
      fail(`"${name}" is an invariant that every model has; call this one otherwise`);
  }
  for (const [name, implementation] of Object.entries(model.implementations)) {
    if (!isObject(implementation) || typeof implementation.create !== "function")
      return fail(`implementation "${name}" has no \`create\` function`);
    checkExpectation(model, name, implementation.expect, fail);
  }
  for (const [name, operation] of Object.entries(model.operations)) {
    if (!isObject(operation) || typeof operation["run"] !== "function")
      fail(`operation "${name}" has no \`run\` function`);
    if (operation.parameters === undefined)
      fail(`operation "${name}" has no \`parameters\`; for none write \`fc.constant(null)\``);
    if (typeof operation.parameters !== "function" && !isArbitrary(operation.parameters))
      fail(`\`parameters\` of operation "${name}" must be a fast-check arbitrary, or a function that returns one`);
    for (const key of ["describe", "expectedError"] as const)
      if (operation[key] !== undefined && typeof operation[key] !== "function")
        fail(`\`${key}\` of operation "${name}" must be a function`);
  }
  for (const [actor, operations] of Object.entries(model.actors)) {
    if (!Array.isArray(operations) || operations.length === 0)
      fail(`actor "${actor}" must have a list of the operations it may run, at least one`);
    for (const operation of operations)
      if (!Object.hasOwn(model.operations, operation))
        fail(`actor "${actor}" runs "${operation}", which is no operation of the model`);
    const [, base] = /^(.*)#\d+$/.exec(actor) ?? [];
    if (base !== undefined && Object.hasOwn(model.actors, base))
      fail(`actor "${actor}" is called like a further connection of actor "${base}"`);
  }
  return model;
}

function checkFaults({ faults, actors }: AnyModel, fail: (what: string) => never): void {
  if (faults === undefined) return;
  if (!isObject(faults)) return fail("`faults` must be an object: kinds of faults by actor");
  for (const [actor, kinds] of Object.entries(faults)) {
    if (!Object.hasOwn(actors, actor)) fail(`\`faults\` names "${actor}", which is no actor of the model`);
    const unknown = Array.isArray(kinds) ? kinds.find((kind) => !faultKinds.includes(kind)) : kinds;
    if (unknown !== undefined)
      fail(`\`faults\` of "${actor}" must be a list of ${faultKinds.map((kind) => `"${kind}"`).join(", ")}`);
  }
}

function checkExamples({ examples = [], operations }: AnyModel, fail: (what: string) => never): void {
  for (const [index, { actors }] of examples.entries()) {
    const unknown = actors
      .flatMap((actor) => actor.operations)
      .find(({ operation }) => !Object.hasOwn(operations, operation));
    if (unknown !== undefined)
      fail(`\`examples[${index}]\` runs "${unknown.operation}", which is no operation of the model`);
  }
}

function checkClaims(model: AnyModel, fail: (what: string) => never): void {
  for (const { topic, implementations, invariants } of model.claims ?? []) {
    const missing = implementations.find((name) => !Object.hasOwn(model.implementations, name));
    if (missing !== undefined)
      fail(`the claim "${topic}" is about "${missing}", which is no implementation of the model`);
    const unknown = invariants.find((name) => !isInvariant(model, name));
    if (unknown !== undefined) fail(`the claim "${topic}" names "${unknown}", which is no invariant of the model`);
  }
}

/** One of the model's own, or one that comes with it. */
function isInvariant({ invariants, reference }: AnyModel, name: string): boolean {
  return Object.hasOwn(invariants, name) || name === operationsEnd || (name === explained && reference !== undefined);
}

function checkExpectation(model: AnyModel, name: string, expect: unknown, fail: (what: string) => never): void {
  if (expect === undefined || expect === "holds" || expect === "violates") return;
  if (
    isObject(expect) &&
    Object.keys(expect).length > 0 &&
    Object.keys(expect).every((key) => conditions.some((condition) => condition === key))
  ) {
    for (const under of Object.values(expect)) checkExpectation(model, name, under, fail);
    return;
  }
  const named = isObject(expect) ? expect["violates"] : undefined;
  if (!Array.isArray(named) || named.length === 0)
    return fail(
      `\`expect\` of implementation "${name}" must be "holds", "violates" or { violates: [names of invariants] }, or one of these for each condition ("read committed", "serializable, with faults", …)`,
    );
  for (const invariant of named as unknown[])
    if (!isInvariant(model, String(invariant)))
      fail(
        `implementation "${name}" is expected to violate "${String(invariant)}", which is no invariant of the model`,
      );
}

/** The same model, whose functions throw nothing but `UsageError` and return what their types say. */
function guarded(model: AnyModel): AnyModel {
  const call = <T>(what: string, body: () => T, fits: (value: T) => boolean, instead: string): T => {
    const value = fromModel(model, what, body);
    if (fits(value)) return value;
    throw new UsageError(`${what} of model "${model.name}" returned ${shown(value)}; it must return ${instead}`);
  };
  const invariants = mapped(model.invariants, (invariant, name) => {
    if (isObject(invariant) && "look" in invariant) return invariant;
    const { when, holds } = invariantOf(model, name);
    return {
      when,
      holds: (state: State, context: InvariantContext<Json, unknown, unknown>) =>
        call(
          `invariant "${name}"`,
          () => holds(state, context),
          isBroken,
          "undefined when it holds, and else a text or { way, message }",
        ),
    };
  });
  return like(model, {
    invariants,
    operations: mapped(model.operations, (operation, name) => guardedOperation(operation, name, call)),
    seed: (initial: Json) => call("seed", () => model.seed(initial), isRows, "lists of rows by table name"),
    ...(model.display && {
      // A number is shown as the text that it is.
      display: (state: State) =>
        mapped(
          call("display", () => model.display!(state), isObject, "a text for each column"),
          String,
        ),
    }),
    ...(model.simplify && {
      simplify: (program: Program) => fromModel(model, "simplify", () => [...model.simplify!(program)]),
    }),
  });
}

type AnyOperation = AnyModel["operations"][string];
type Call = <T>(what: string, body: () => T, fits: (value: T) => boolean, instead: string) => T;

function guardedOperation(operation: AnyOperation, name: string, call: Call): AnyOperation {
  const { parameters } = operation;
  const of = (what: string) => `${what} of operation "${name}"`;
  return like(operation, {
    ...(typeof parameters === "function" && {
      parameters: (initial: Json) =>
        call(of("parameters"), () => parameters(initial), isArbitrary, "a fast-check arbitrary"),
    }),
    ...(operation.describe && {
      describe: (values: Json) => call(of("describe"), () => operation.describe!(values), isText, "a text"),
    }),
    ...(operation.expectedError && {
      expectedError: (error: Thrown) =>
        call(of("expectedError"), () => operation.expectedError!(error), isBoolean, "true or false"),
    }),
  });
}

/** Inherits, so that an instance of a class keeps its methods; by descriptors, as the original may be frozen. */
function like<T extends object>(original: T, changes: Partial<T>): T {
  const own = mapped(changes as Record<string, unknown>, (value) => ({ value, enumerable: true }));
  return Object.create(original, own) as T;
}

function mapped<T, R>(values: Readonly<Record<string, T>>, change: (value: T, name: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isArbitrary(value: unknown): boolean {
  return isObject(value) && typeof value["generate"] === "function" && typeof value["shrink"] === "function";
}

function isRows(value: Rows): boolean {
  return (
    isObject(value) &&
    !(value instanceof Promise) &&
    Object.values(value).every((rows) => Array.isArray(rows) && rows.every(isObject))
  );
}

function isBroken(value: Broken | undefined): boolean {
  return value === undefined || isText(value) || (isObject(value) && isText(value["way"]) && isText(value["message"]));
}

function shown(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (typeof value === "function") return "a function";
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 60);
  } catch {
    return String(value);
  }
}
