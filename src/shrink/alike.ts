import type { Arbitrary } from "fast-check";
import { parametersOf, type AnyModel } from "../execution/model.js";
import type { Actor, Fault, Json } from "../execution/program.js";
import { renamed, staysValid, type Candidate } from "./candidates.js";
import { compareLeaves, comparePrograms, compareValues, leavesOf, rankOf } from "./rank.js";
import { mayBe, parametersFor, valuesOf } from "./values.js";

/**
 * Programs that do the same with other names: of the same size, and no less simple. Which actor it was, which of several
 * alike things, which of several values that all do is up to chance when a race is found; what is left of it when it is
 * reported shall not be. So: actors in the model's order, the first that may do it, whatever can be renamed
 * consistently renamed to what is simpler, the first operation that does, the simplest values that the model generates.
 *
 * Each comes with the order of steps that it takes to be the same execution, if the two are alike.
 */
export function* alike(model: AnyModel, from: Candidate): Generator<Candidate> {
  for (const candidate of proposals(model, from))
    if (
      comparePrograms(model, candidate.program, from.program) <= 0 &&
      staysValid(model, from.program, candidate.program)
    )
      yield candidate;
}

function* proposals(model: AnyModel, from: Candidate): Generator<Candidate> {
  yield inOrder(model, from);
  yield* byOtherActors(model, from);
  yield* withOtherOperations(model, from);
  yield* withOtherFaults(model, from);
  yield* withOtherNames(model, from);
  yield* withOtherValues(model, from);
}

/** Actors as the model has them, and only those that do something; faults by actor. */
function inOrder(model: AnyModel, { program, order }: Candidate): Candidate {
  const rank = rankOf(model);
  const actors = program.actors
    .filter(({ operations }) => operations.length > 0)
    .toSorted((a, b) => rank(a.name) - rank(b.name));
  const { faults } = program;
  const sorted = faults?.toSorted((a, b) => rank(a.actor) - rank(b.actor) || (a.kind < b.kind ? -1 : 1));
  return { program: { ...program, actors, ...(sorted === undefined ? {} : { faults: sorted }) }, order };
}

/** An earlier actor does what a later one did, or the two change places, or one does what both did. */
function* byOtherActors(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  const names = Object.keys(model.actors);
  const callsOf = (name: string) => program.actors.find((actor) => actor.name === name)?.operations ?? [];
  for (const [index, later] of names.entries()) {
    const own = callsOf(later);
    if (own.length === 0) continue;
    for (const earlier of names.slice(0, index)) {
      const others = callsOf(earlier);
      const swapped = new Map([
        [later, earlier],
        [earlier, later],
      ]);
      const calls = new Map([
        [earlier, own],
        [later, others],
      ]);
      yield* played(model, { program, order }, calls, swapped);
      if (others.length === 0) continue;
      const both = new Map([
        [earlier, [...others, ...own]],
        [later, []],
      ]);
      yield* played(model, { program, order: behind(order, later, others.length) }, both, new Map([[later, earlier]]));
    }
  }
}

/** The operations of an actor, counted behind others. */
function behind(order: Candidate["order"], actor: string, count: number): Candidate["order"] {
  return order.map((turn) => (turn.actor === actor ? { ...turn, operation: turn.operation + count } : turn));
}

/** The program with these calls and names, if the model lets these actors do so. */
function* played(
  model: AnyModel,
  { program, order }: Candidate,
  calls: ReadonlyMap<string, Actor["operations"]>,
  names: ReadonlyMap<string, string>,
): Generator<Candidate> {
  const may = [...calls].every(([name, list]) =>
    list.every(({ operation }) => model.actors[name]!.includes(operation)),
  );
  const faults = program.faults?.map((fault): Fault => ({ ...fault, actor: names.get(fault.actor) ?? fault.actor }));
  const mayFail = (faults ?? []).every(({ actor, kind }) => model.faults?.[actor]?.includes(kind) === true);
  if (!may || !mayFail) return;
  const all = [...new Set([...program.actors.map(({ name }) => name), ...calls.keys()])];
  const actors = all.map((name) => ({
    name,
    operations: calls.get(name) ?? program.actors.find((actor) => actor.name === name)!.operations,
  }));
  const changed = { ...program, actors, ...(faults === undefined ? {} : { faults }) };
  yield inOrder(model, { program: changed, order: renamed(order, names) });
}

/** One operation is another one that the model lists before it, with the same parameters. */
function* withOtherOperations(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  for (const [at, actor] of program.actors.entries()) {
    const listed = model.actors[actor.name] ?? [];
    for (const [index, { operation, parameters }] of actor.operations.entries()) {
      for (const earlier of listed.slice(0, Math.max(0, listed.indexOf(operation)))) {
        const call = { operation: earlier, parameters };
        const operations = actor.operations.with(index, call);
        if (mayBe(model, program.initial, call))
          yield { program: { ...program, actors: program.actors.with(at, { ...actor, operations }) }, order };
      }
    }
  }
}

/** Something simpler goes wrong. */
function* withOtherFaults(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  for (const [index, { actor, kind }] of (program.faults ?? []).entries()) {
    const kinds = model.faults?.[actor] ?? [];
    for (const simpler of kinds.slice(0, Math.max(0, kinds.indexOf(kind)))) {
      const faults = program.faults!.with(index, { actor, kind: simpler });
      const turns = order.map((turn) =>
        turn.actor === actor && turn.fault === kind ? { ...turn, fault: simpler } : turn,
      );
      yield { program: { ...program, faults }, order: turns };
    }
  }
}

/** A value that parameters share becomes a simpler one in all of them; where that is there as well, the two are swapped. */
function* withOtherNames(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  const calls = program.actors.flatMap(({ operations }) => operations);
  const used = new Set(calls.flatMap(({ parameters }) => leavesOf(parameters)));
  const known = new Set([
    ...used,
    ...calls.flatMap(({ operation }) => parametersFor(model, operation, program.initial).flatMap(leavesOf)),
  ]);
  for (const from of used) {
    for (const to of [...known].toSorted(compareLeaves)) {
      if (typeof from !== typeof to || compareLeaves(to, from) >= 0) continue;
      const change = (leaf: unknown) => (leaf === from ? to : leaf === to ? from : leaf);
      const actors = program.actors.map((actor) => ({
        ...actor,
        operations: actor.operations.map((call) => ({ ...call, parameters: withLeaves(call.parameters, change) })),
      }));
      if (actors.flatMap(({ operations }) => operations).every((call) => mayBe(model, program.initial, call)))
        yield { program: { ...program, actors }, order };
    }
  }
}

function withLeaves(value: Json, change: (leaf: unknown) => unknown): Json {
  if (typeof value !== "object" || value === null) return change(value) as Json;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => withLeaves(item, change));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withLeaves(item, change)]));
}

/** A simpler value for the initial state, or for the parameters of one operation. */
function* withOtherValues(model: AnyModel, { program, order }: Candidate): Generator<Candidate> {
  const states = model.initial as Arbitrary<Json>;
  for (const initial of simplerOf(valuesOf(model, "initial", states), states, program.initial))
    yield { program: { ...program, initial }, order };
  for (const [at, actor] of program.actors.entries()) {
    for (const [index, { operation, parameters }] of actor.operations.entries()) {
      const known = parametersFor(model, operation, program.initial);
      for (const simpler of simplerOf(known, parametersOf(model, operation, program.initial), parameters)) {
        const operations = actor.operations.with(index, { operation, parameters: simpler });
        yield { program: { ...program, actors: program.actors.with(at, { ...actor, operations }) }, order };
      }
    }
  }
}

/** Values that are tried for one place, at most. */
const mostValues = 12;

function simplerOf(values: readonly Json[], arbitrary: Arbitrary<Json>, value: Json): readonly Json[] {
  return values.filter((other) => compareValues(arbitrary, other, value) < 0).slice(0, mostValues);
}
