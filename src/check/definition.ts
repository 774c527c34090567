import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { invariantOf, type AnyModel } from "../execution/model.js";
import { examplesOf, programSource } from "../explore/programs.js";
import { usable } from "../usable-model.js";

/** How many generated programs tell arbitraries apart. */
const programsLookedAt = 20;

/**
 * A digest of what a model says, and of the sources that it came from: two that differ are different versions. The texts
 * of functions count, and the programs that arbitraries generate.
 *
 * @param sources What {@link sourcesOf} says, where they are known.
 */
export function definitionOf(model: AnyModel, sources = ""): string {
  // What a model's functions get wrong is said of those that are checked; the texts are those of the model as it was given.
  const checked = usable(model);
  const program = programSource(checked, "definition");
  const text = JSON.stringify([
    sources,
    model.name,
    model.schema,
    model.actors,
    model.state,
    model.faults,
    model.faultsPerProgram,
    model.operationsPerActor,
    model.claims,
    examplesOf(checked, false),
    examplesOf(checked, true),
    mapped(model.implementations, ({ expect, create }) => [expect, String(create)]),
    mapped(model.operations, ({ run, describe, expectedError }) => [run, describe, expectedError].map(String)),
    Object.keys(model.invariants).map((name) => [name, invariantOf(model, name).when]),
    [model.seed, model.world, model.prepare, model.crashed].map(String),
    Array.from({ length: programsLookedAt }, (_, number) => program(number)),
  ]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function mapped<T>(values: Readonly<Record<string, T>>, of: (value: T) => unknown): unknown[] {
  return Object.entries(values).map(([name, value]) => [name, of(value)]);
}

/** Texts in a source that name another file by a relative path, as imports and `new URL(…, import.meta.url)` do. */
const relative = /(["'`])(\.{1,2}\/[^"'`\n]+)\1/g;

/** What a path in an import may stand for. */
const endings = ["", ".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".json", "/index.ts", "/index.js"];

/**
 * A digest of a module and of every file that it names by a relative path, and so on; packages are not among them. Where
 * the files lie makes no difference, only how they lie to each other.
 *
 * @param file The module of a model.
 */
export async function sourcesOf(file: string): Promise<string> {
  const found = new Map<string, string>();
  const left = [path.resolve(file)];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (found.has(next)) continue;
    const text = await readFile(next, "utf8");
    found.set(next, text);
    for (const [, , name] of text.matchAll(relative)) {
      const other = await fileNamed(path.resolve(path.dirname(next), name!));
      if (other !== undefined) left.push(other);
    }
  }
  const hash = createHash("sha256");
  const named = [...found].map(([name, text]) => [path.relative(path.dirname(file), name).replaceAll("\\", "/"), text]);
  for (const each of named.toSorted(([a], [b]) => (a! < b! ? -1 : 1))) hash.update(JSON.stringify(each));
  return hash.digest("hex").slice(0, 16);
}

/** TypeScript is imported by the name of what it is compiled to. */
async function fileNamed(name: string): Promise<string | undefined> {
  const stem = name.replace(/\.([cm]?)js$/, ".$1ts");
  for (const candidate of [...endings.map((ending) => `${name}${ending}`), stem])
    if ((await stat(candidate).catch(() => undefined))?.isFile() === true) return candidate;
  return undefined;
}
