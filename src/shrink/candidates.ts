import type { Arbitrary } from "fast-check";
import { parametersOf, type AnyModel } from "../execution/model.js";
import type { Actor, Json, Program } from "../execution/program.js";
import type { Step } from "../execution/trace.js";
import { mayBe } from "./values.js";

/** Who took a step, and for which of its operations. */
export type Turn = Pick<Step, "actor" | "session" | "operation" | "fault">;

/** A simpler program, and the order of steps that is likely to break it still. */
export interface Candidate {
  readonly program: Program;
  readonly order: readonly Turn[];
}

/**
 * Programs that are one step simpler, the boldest first: without an actor, without an operation, what the model itself
 * proposes, a simpler initial state, and fast-check's shrinking of parameters.
 */
export function* simpler(model: AnyModel, from: Candidate): Generator<Candidate> {
  for (const candidate of proposals(model, from))
    if (staysValid(model, from.program, candidate.program)) yield candidate;
}

/**
 * Whether the operations still have parameters that the model would generate for the initial state: a transfer to an
 * account that shrinking took away breaks, too, but is another story. Where an arbitrary cannot tell, anything goes.
 */
export function staysValid(model: AnyModel, before: Program, after: Program): boolean {
  if (after.initial === before.initial) return true;
  const tells = allFit(model, before);
  return !tells || allFit(model, after);
}

function allFit(model: AnyModel, { initial, actors }: Program): boolean {
  return actors.flatMap(({ operations }) => operations).every((call) => mayBe(model, initial, call));
}

/**
 * The program without each one thing that may go wrong, and without each one operation, unless the model has no programs
 * but its own.
 */
export function* simplest(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  yield* withoutFaults(program, order);
  if (model.onlyExamples === true) return;
  for (const actor of program.actors) {
    for (const index of actor.operations.keys()) yield withoutOperation(program, order, actor, index);
  }
}

/** An order of steps as the switches that a schedule is made of. */
export function turnsOf(order: readonly Pick<Turn, "session" | "fault">[]) {
  return order.map(({ session, fault }) => ({ to: session, ...(fault && { fault }) }));
}

function* proposals(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  for (const { name, operations } of program.actors) {
    if (operations.length > 0 && model.onlyExamples !== true) yield withoutActor(program, order, name);
  }
  yield* simplest(model, { program, order });
  if (model.onlyExamples === true) return;
  for (const proposed of model.simplify?.(program) ?? [])
    yield { program: proposed, order: moved(program, proposed, order) };
  for (const initial of shrinks(model.initial as Arbitrary<Json>, program.initial))
    yield { program: { ...program, initial }, order };
  for (const { name, operations } of program.actors) {
    for (const [index, { operation, parameters }] of operations.entries()) {
      const arbitrary = parametersOf(model, operation, program.initial);
      for (const smaller of shrinks(arbitrary, parameters)) {
        yield {
          program: replaceOperations(program, name, operations.with(index, { operation, parameters: smaller })),
          order,
        };
      }
    }
  }
}

function kinds({ operations }: Actor): string {
  return operations.map(({ operation }) => operation).join();
}

/** The order of steps once what some actors do is done by others. */
export function renamed(order: readonly Turn[], names: ReadonlyMap<string, string>): readonly Turn[] {
  return order.map((turn) => {
    const actor = names.get(turn.actor) ?? turn.actor;
    return { ...turn, actor, session: actor + turn.session.slice(turn.actor.length) };
  });
}

/** The order of steps once each actor's operations are another actor's, where the new program says so. */
function moved(before: Program, after: Program, order: readonly Turn[]): readonly Turn[] {
  const names = new Map(
    before.actors.map((actor) => {
      const same = after.actors.find(({ name }) => name === actor.name);
      const heir = after.actors.find((other) => kinds(other) === kinds(actor) && other.name !== actor.name);
      return [actor.name, same !== undefined && kinds(same) === kinds(actor) ? actor.name : (heir?.name ?? actor.name)];
    }),
  );
  return renamed(order, names);
}

/**
 * What fast-check shrinks a value to, and before that the value without one element of a list in it, which fast-check
 * does not try. It does not shrink what the arbitrary does not know: what it only just generated, or would not generate.
 */
function* shrinks(arbitrary: Arbitrary<Json>, value: Json): Generator<Json> {
  const tells = arbitrary.canShrinkWithoutContext(value);
  for (const shorter of withoutElement(value)) if (!tells || arbitrary.canShrinkWithoutContext(shorter)) yield shorter;
  if (!tells) return;
  for (const smaller of arbitrary.shrink(value, undefined)) yield JSON.parse(JSON.stringify(smaller.value)) as Json;
}

function* withoutElement(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    for (const index of list.keys()) yield list.toSpliced(index, 1);
    for (const [index, item] of list.entries())
      for (const shorter of withoutElement(item)) yield list.with(index, shorter);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value))
      for (const shorter of withoutElement(item))
        yield { ...(value as { readonly [key: string]: Json }), [key]: shorter };
  }
}

/** Nothing goes wrong; only what did go wrong may; one thing less may. */
function* withoutFaults(program: Program, order: readonly Turn[]): Generator<Candidate> {
  const { faults, ...rest } = program;
  if (faults === undefined) return;
  yield { program: rest, order: order.map(({ actor, session, operation }) => ({ actor, session, operation })) };
  const happened = faults.filter(({ actor, kind }) =>
    order.some((turn) => turn.actor === actor && turn.fault === kind),
  );
  if (happened.length < faults.length) yield { program: { ...program, faults: happened }, order };
  if (faults.length > 1)
    for (const index of faults.keys()) yield { program: { ...program, faults: faults.toSpliced(index, 1) }, order };
}

function replaceOperations(program: Program, actor: string, operations: Actor["operations"]): Program {
  return { ...program, actors: program.actors.map((each) => (each.name === actor ? { ...each, operations } : each)) };
}

function withoutActor(program: Program, order: readonly Turn[], actor: string): Candidate {
  return { program: replaceOperations(program, actor, []), order: order.filter((turn) => turn.actor !== actor) };
}

function withoutOperation(
  program: Program,
  order: readonly Turn[],
  { name, operations }: Actor,
  index: number,
): Candidate {
  const turns = order
    .filter((turn) => turn.actor !== name || turn.operation !== index)
    .map((turn) => (turn.actor === name && turn.operation > index ? { ...turn, operation: turn.operation - 1 } : turn));
  return { program: replaceOperations(program, name, operations.toSpliced(index, 1)), order: turns };
}
