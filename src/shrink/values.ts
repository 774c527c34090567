import fc, { type Arbitrary } from "fast-check";
import { UsageError } from "../errors.js";
import { parametersOf, type AnyModel } from "../execution/model.js";
import type { Json, OperationCall } from "../execution/program.js";
import { compareValues } from "./rank.js";

const samples = 60;
const sampled = new WeakMap<AnyModel, Map<string, readonly Json[]>>();

/** What a place in a program may hold, the simplest first, as far as always the same few samples tell. */
export function valuesOf(model: AnyModel, place: string, arbitrary: Arbitrary<Json>): readonly Json[] {
  const places = sampled.get(model) ?? new Map<string, readonly Json[]>();
  sampled.set(model, places);
  const known = places.get(place);
  if (known !== undefined) return known;
  const texts = new Set(
    fc.sample(arbitrary, { numRuns: samples, seed: 1 }).map((value) => JSON.stringify(value ?? null)),
  );
  const values = [...texts].map((text) => JSON.parse(text) as Json).toSorted((a, b) => compareValues(arbitrary, a, b));
  places.set(place, values);
  return values;
}

/** Parameters that the model has for an operation, in the same sense. */
export function parametersFor(model: AnyModel, operation: string, initial: Json): readonly Json[] {
  return valuesOf(model, JSON.stringify([operation, initial]), parametersOf(model, operation, initial));
}

/**
 * Whether the model would generate these parameters for this initial state, as far as that can be told: by the arbitrary, or,
 * as `constantFrom` knows objects only by identity, by what it generates.
 */
export function mayBe(model: AnyModel, initial: Json, { operation, parameters }: OperationCall): boolean {
  const text = JSON.stringify(parameters);
  try {
    if (parametersOf(model, operation, initial).canShrinkWithoutContext(parameters)) return true;
    return parametersFor(model, operation, initial).some((value) => JSON.stringify(value) === text);
  } catch (error) {
    // The model has none for a state that it would not generate: `constantFrom` of nothing throws.
    if (error instanceof UsageError) return false;
    throw error;
  }
}
