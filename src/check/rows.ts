import { UsageError } from "../errors.js";
import { expectationsOf, partsOf, type AnyModel, type Condition, type Expectation } from "../execution/model.js";
import type { CheckOptions } from "./options.js";
import type { Remembered } from "./remembered.js";

/** One implementation under one condition. */
export interface Row {
  readonly implementation: string;
  readonly condition: Condition;
}

/** A row, and what is recorded of it. */
export interface ExpectedRow extends Row {
  /** Null where nothing is recorded. */
  readonly expected: Expectation | null;
}

/**
 * What there is to check: what the expectations name, or for what was asked whatever they say of it.
 *
 * @throws {UsageError} When the model has no such implementation, or no faults.
 */
export function rowsOf(model: AnyModel, { implementations, isolation, faults }: CheckOptions): ExpectedRow[] {
  const hasFaults = Object.keys(model.faults ?? {}).length > 0;
  if (faults === true && !hasFaults) throw new UsageError(`model "${model.name}" has no faults`);
  return chosen(model, implementations).flatMap((implementation) => {
    const recorded = new Map(expectationsOf(model, implementation));
    const asked = isolation?.flatMap((level): Condition[] => (hasFaults ? [level, `${level}, with faults`] : [level]));
    return (asked ?? [...recorded.keys()])
      .filter((condition) => faults === undefined || partsOf(condition).faults === faults)
      .map((condition) => ({ implementation, condition, expected: recorded.get(condition) ?? null }));
  });
}

function chosen(model: AnyModel, wanted: readonly string[] | undefined): readonly string[] {
  const all = Object.keys(model.implementations);
  const unknown = (wanted ?? []).filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new UsageError(
      `model "${model.name}" has no implementation "${unknown.join('", "')}"; it has: ${all.join(", ")}`,
    );
  return wanted === undefined || wanted.length === 0 ? all : [...new Set(wanted)];
}

export function keyOf({ implementation, condition }: Row): string {
  return `${implementation}, ${condition}`;
}

/** Whether a counterexample that was found before is one of this row. */
export function isOf({ implementation, condition }: Row, { counterexample }: Remembered): boolean {
  return counterexample.implementation === implementation && counterexample.condition === condition;
}
