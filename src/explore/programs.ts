import fc from "fast-check";
import { parametersOf, type AnyModel } from "../execution/model.js";
import type { Json, OperationCall, Program } from "../execution/program.js";

/** Programs of a model: an initial state, and for each actor the operations it runs. */
function programsOf(model: AnyModel): fc.Arbitrary<Program> {
  return (model.initial as fc.Arbitrary<Json>).chain((initial) => {
    const actors = Object.entries(model.actors).map(([name, operations]) =>
      fc.record({
        name: fc.constant(name),
        operations: fc.array(callsOf(model, operations, initial), { maxLength: model.operationsPerActor ?? 2 }),
      }),
    );
    return fc.record({ initial: fc.constant(initial), actors: fc.tuple(...actors) });
  });
}

function callsOf(model: AnyModel, operations: readonly string[], initial: Json): fc.Arbitrary<OperationCall> {
  const calls = operations.map((operation) =>
    fc.record({ operation: fc.constant(operation), parameters: parametersOf(model, operation, initial) }),
  );
  return fc.oneof(...calls);
}

/** A 32-bit number from a seed string and what it is for (FNV-1a, Fowler/Noll/Vo 1991), for libraries that want numbers. */
export function numericSeed(seed: string, purpose: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${seed}/${purpose}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}

/** A source of generated programs: the same seed and number give the same program. */
export function programSource(model: AnyModel, seed: string): (number: number) => Program {
  const arbitrary = programsOf(model).filter(({ actors }) => actors.some(({ operations }) => operations.length > 0));
  let last: { number: number; program: Program } | undefined;
  return (number) => {
    if (last?.number !== number) {
      const [program] = fc.sample(arbitrary, { numRuns: 1, seed: numericSeed(seed, `program/${number}`) });
      // Plain data, whatever the model's arbitraries make: it is written to files and read back.
      last = { number, program: JSON.parse(JSON.stringify(program)) as Program };
    }
    return last.program;
  };
}
