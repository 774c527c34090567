import type { Arbitrary } from "fast-check";
import { parametersOf, type AnyModel } from "../execution/model.js";
import type { Json, Program } from "../execution/program.js";
import { wayOf, type Violation } from "../oracle/violation.js";
import { sizeOf, compareSizes } from "./size.js";
import type { Trace } from "../execution/trace.js";

/** A failing execution, and how it came about. */
export interface Failing {
  readonly program: Program;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

/**
 * A total order of failing executions, the best first: by size, then those that break in the fewest ways, then those with
 * the simpler program, then those in whose order of steps whoever runs goes on the longest, or else the first actor is next.
 * By it two searches that come to the same race come to the same end.
 */
export function compareFailures(model: AnyModel, a: Failing, b: Failing): number {
  return (
    compareSizes(sizeOf(a.trace), sizeOf(b.trace)) ||
    waysOf(a).size - waysOf(b).size ||
    comparePrograms(model, a.program, b.program) ||
    compareOrders(model, a.trace, b.trace)
  );
}

/** The ways in which it breaks. */
export function waysOf({ violations }: Pick<Failing, "violations">): Set<string> {
  return new Set(violations.map(wayOf));
}

/** Where an actor stands in the model. */
export function rankOf(model: AnyModel): (actor: string) => number {
  const actors = Object.keys(model.actors);
  return (actor) => actors.indexOf(actor);
}

/**
 * The simpler program first: with the earlier actors, whose operations are the earlier in the model's lists; then with the
 * simpler initial state and parameters.
 */
export function comparePrograms(model: AnyModel, a: Program, b: Program): number {
  const rank = rankOf(model);
  const shape = ({ actors }: Program) =>
    actors
      .filter(({ operations }) => operations.length > 0)
      .flatMap(({ name, operations }) => [
        rank(name),
        -operations.length,
        ...operations.map(({ operation }) => (model.actors[name] ?? []).indexOf(operation)),
      ]);
  const calls = ({ actors }: Program) => actors.flatMap(({ operations }) => operations);
  return (
    compareNumbers(shape(a), shape(b)) ||
    compareValues(model.initial as Arbitrary<Json>, a.initial, b.initial) ||
    firstNonZero(
      calls(a).map(({ operation, parameters }, index) =>
        compareValues(parametersOf(model, operation, a.initial), parameters, calls(b)[index]!.parameters),
      ),
    ) ||
    compareNumbers(faultsOf(model, a), faultsOf(model, b))
  );
}

function faultsOf(model: AnyModel, { faults = [] }: Program): number[] {
  const rank = rankOf(model);
  return [
    faults.length,
    ...faults.flatMap(({ actor, kind }) => [rank(actor), (model.faults?.[actor] ?? []).indexOf(kind)]),
  ];
}

/** Places in which the order of steps leaves whoever runs, the latest first, and to whom. */
function compareOrders(model: AnyModel, a: Trace, b: Trace): number {
  const rank = rankOf(model);
  const key = ({ steps }: Trace) =>
    steps.map(({ actor, session, fault }, i) => [
      Number(i > 0 && steps[i - 1]!.actor !== actor),
      rank(actor),
      session.length,
      Number(fault !== undefined),
    ]);
  return compareNumbers(key(a).flat(), key(b).flat());
}

/** What fast-check cannot shrink is the simplest; then the smaller, and then the first of the same size. */
export function compareValues(arbitrary: Arbitrary<Json>, a: Json, b: Json): number {
  if (JSON.stringify(a) === JSON.stringify(b)) return 0;
  return Number(canShrink(arbitrary, a)) - Number(canShrink(arbitrary, b)) || compareJson(a, b);
}

function canShrink(arbitrary: Arbitrary<Json>, value: Json): boolean {
  if (!arbitrary.canShrinkWithoutContext(value)) return true;
  return arbitrary.shrink(value, undefined).next().done !== true;
}

/** A total order of JSON: fewer leaves first; then leaf by leaf, smaller numbers and shorter texts first. */
export function compareJson(a: Json, b: Json): number {
  const [some, others] = [leavesOf(a), leavesOf(b)];
  return (
    some.length - others.length ||
    firstNonZero(some.map((leaf, i) => compareLeaves(leaf, others[i]!))) ||
    compareTexts(JSON.stringify(a), JSON.stringify(b))
  );
}

/** Texts, numbers, truth values and null in a value, in the order in which they stand there. */
export function leavesOf(value: Json): (string | number | boolean | null)[] {
  if (typeof value !== "object" || value === null) return [value];
  return Object.values(value).flatMap((item: Json) => leavesOf(item));
}

const types = ["object", "boolean", "number", "string"];

/** Null, then truth values, numbers by how far they are from 0, and texts by length and alphabet. */
export function compareLeaves(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a) - Math.abs(b) || b - a;
  if (typeof a === "string" && typeof b === "string") return a.length - b.length || compareTexts(a, b);
  return types.indexOf(typeof a) - types.indexOf(typeof b) || Number(a) - Number(b);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  return firstNonZero(a.map((number, i) => number - (b[i] ?? -Infinity))) || a.length - b.length;
}

function firstNonZero(numbers: readonly number[]): number {
  return numbers.find((number) => number !== 0) ?? 0;
}
