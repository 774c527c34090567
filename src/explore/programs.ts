import { hash } from "node:crypto";
import fc from "fast-check";
import { UsageError } from "../errors.js";
import { parametersOf, type AnyModel } from "../execution/model.js";
import type { Fault, Json, OperationCall, Program } from "../execution/program.js";

/** Programs of a model: an initial state, and for each actor the operations it runs. */
function programsOf(model: AnyModel, withFaults: boolean): fc.Arbitrary<Program> {
  return (model.initial as fc.Arbitrary<Json>).chain((initial) => {
    const actors = Object.entries(model.actors).map(([name, operations]) =>
      fc.record({
        name: fc.constant(name),
        operations: fc.array(callsOf(model, operations, initial), { maxLength: model.operationsPerActor ?? 2 }),
      }),
    );
    const parts = { initial: fc.constant(initial), actors: fc.tuple(...actors) };
    return withFaults ? fc.record({ ...parts, faults: faultsOf(model) }) : fc.record(parts);
  });
}

/** What may go wrong, by what the model says of its actors. */
function faultsOf({ faults = {}, faultsPerProgram = 1 }: AnyModel): fc.Arbitrary<Fault[]> {
  const all = Object.entries(faults).flatMap(([actor, kinds]) => kinds.map((kind): Fault => ({ actor, kind })));
  return fc.uniqueArray(fc.constantFrom(...all), {
    minLength: 1,
    maxLength: faultsPerProgram,
    selector: ({ actor, kind }) => `${kind} ${actor}`,
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

/** The model's examples in which something may go wrong, or those in which nothing may. */
export function examplesOf({ examples = [] }: AnyModel, faults: boolean): readonly Program[] {
  return examples.filter((example) => faults === (example.faults ?? []).length > 0);
}

/**
 * A source of programs: first the model's examples, then generated ones. The same seed and number give the same program.
 *
 * @param faults Whether things may go wrong in them: then something may in every one of them, and else nothing in any.
 */
export function programSource(model: AnyModel, seed: string, faults = false): (number: number) => Program {
  const examples = examplesOf(model, faults);
  if (model.onlyExamples === true) return (number) => examples[number % examples.length]!;
  const arbitrary = programsOf(model, faults).filter(({ actors }) =>
    actors.some(({ operations }) => operations.length > 0),
  );
  let last: { number: number; program: Program } | undefined;
  return (number) => {
    const example = examples[number];
    if (example !== undefined) return example;
    if (last?.number !== number) {
      const [program] = fc.sample(arbitrary, { numRuns: 1, seed: numericSeed(seed, `program/${number}`) });
      last = { number, program: plain(program!) };
    }
    return last.program;
  };
}

/** So many programs in a row that came before: there is nothing left that the model would generate. */
const nothingNew = 200;

/**
 * The programs of a model, each of them once, in the order in which a source gives them. It depends on nothing that is
 * run, so everybody who asks is given the same.
 */
export class ProgramList {
  readonly #source: (number: number) => Program;
  /** Of each, its number in the source: it can be made again. */
  readonly #numbers: number[] = [];
  readonly #seen = new Set<string>();
  #next = 0;
  #isDry = false;

  constructor(source: (number: number) => Program) {
    this.#source = source;
  }

  /** The program with this index; undefined where there are no more. */
  at(index: number): Program | undefined {
    while (this.#numbers.length <= index && !this.#isDry) this.#look();
    const number = this.#numbers[index];
    return number === undefined ? undefined : this.#source(number);
  }

  /** How many there are, counted up to a number. */
  count(most: number): number {
    return most < 1 || this.at(most - 1) !== undefined ? most : this.#numbers.length;
  }

  #look(): void {
    for (let repeated = 0; repeated < nothingNew; repeated++) {
      const number = this.#next++;
      const key = digest(JSON.stringify(this.#source(number)));
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#numbers.push(number);
      return;
    }
    this.#isDry = true;
  }
}

/** Enough of a digest to tell millions of texts apart. */
export function digest(text: string): string {
  return hash("sha1", text, "base64url").slice(0, 12);
}

/**
 * A program as plain data: it is written to files and read back.
 *
 * @throws {UsageError} When the model's arbitraries made something that would come back as something else.
 */
function plain(program: Program): Program {
  const text = JSON.stringify(program, function (this: Record<string, unknown>, key, value: Json | undefined) {
    // What `toJSON` made of it is in `value` already.
    const found = impure(this[key]);
    if (found !== undefined)
      throw new UsageError(
        `an initial state or parameters of the model contain ${found}, and they must be plain JSON data, as they are written to files and read back: make it from a text or a number where it is used`,
      );
    return value === undefined && (key === "initial" || key === "parameters") ? null : value;
  });
  return JSON.parse(text) as Program;
}

function impure(value: unknown): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "bigint" || typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const name = (Object.getPrototypeOf(value) as object | null)?.constructor.name ?? "Object";
  return name === "Object" ? undefined : `a ${name}`;
}
