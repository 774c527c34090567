import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { RaceproofError, UsageError } from "../errors.js";
import type { AnyModel } from "../execution/model.js";
import { gatePgOf } from "../session/pg.js";

/** The models that ship with raceproof, by name. */
const shipped: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  "dashboard-sync": () => import("../../models/dashboard-sync/model.js"),
};

export interface LoadedModel {
  readonly model: AnyModel;
  /** The module, relative to the working directory; undefined for a model that ships with raceproof. */
  readonly module: string | undefined;
}

/**
 * Loads a model by its name, if it ships with raceproof, or from a module (TypeScript or JavaScript) whose default
 * export it is.
 *
 * @throws {UsageError} When there is no such model, or it is not one.
 */
export async function loadModel(nameOrFile: string): Promise<LoadedModel> {
  const known = shipped[nameOrFile];
  if (known !== undefined) return { model: asModel((await known()).default, nameOrFile), module: undefined };
  const file = path.resolve(nameOrFile);
  if (!existsSync(file)) {
    throw new UsageError(
      `there is no model "${nameOrFile}": it is neither a file nor one of the models that ship with raceproof (${Object.keys(shipped).join(", ")})`,
    );
  }
  gatePgOf(file);
  const model = asModel(await importDefault(file, nameOrFile), nameOrFile);
  return { model, module: path.relative(process.cwd(), file) };
}

async function importDefault(file: string, name: string): Promise<unknown> {
  try {
    // What needs no compiling is left to Node; the rest goes through jiti, at the user's own imports too.
    if (/\.m?js$/.test(file)) return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
    return await createJiti(pathToFileURL(file).href).import(file, { default: true });
  } catch (error) {
    if (error instanceof RaceproofError) throw error;
    const { name: kind, message, stack } = error as Error;
    const where = stack
      ?.split("\n")
      .find((line) => line.includes(file))
      ?.trim();
    throw new UsageError(`${name} cannot be loaded: ${kind}: ${message}${where === undefined ? "" : `\n  ${where}`}`);
  }
}

/** @throws {UsageError} Naming the first thing that a model needs and this one has not. */
function asModel(value: unknown, from: string): AnyModel {
  const fail = (what: string): never => {
    throw new UsageError(`${from} is not a model: ${what}`);
  };
  if (!isObject(value)) return fail("its default export is not an object; write `export default defineModel({ … })`");
  const model = value as unknown as AnyModel;
  for (const key of ["name", "schema"] as const)
    if (typeof model[key] !== "string") fail(`\`${key}\` must be a string`);
  if (typeof model.seed !== "function") fail("`seed` must be a function from an initial state to rows");
  if (typeof (model.initial as { shrink?: unknown } | undefined)?.shrink !== "function")
    fail("`initial` must be a fast-check arbitrary");
  for (const key of ["implementations", "operations", "actors", "state", "invariants"] as const) {
    if (!isObject(model[key]) || Object.keys(model[key]).length === 0)
      fail(`\`${key}\` must be an object with at least one entry`);
  }
  for (const [name, { create, expect }] of Object.entries(model.implementations)) {
    if (typeof create !== "function") fail(`implementation "${name}" has no \`create\` function`);
    const named = isObject(expect) && Array.isArray(expect["violates"]) ? (expect["violates"] as string[]) : [];
    for (const invariant of named)
      if (model.invariants[invariant] === undefined)
        fail(`implementation "${name}" is expected to violate "${invariant}", which is no invariant of the model`);
  }
  for (const [name, operation] of Object.entries(model.operations)) {
    if (!isObject(operation) || typeof operation["run"] !== "function")
      fail(`operation "${name}" has no \`run\` function`);
    if (operation.parameters === undefined)
      fail(`operation "${name}" has no \`parameters\`; for none write \`fc.constant(null)\``);
  }
  for (const [actor, operations] of Object.entries(model.actors)) {
    for (const operation of operations)
      if (model.operations[operation] === undefined)
        fail(`actor "${actor}" runs "${operation}", which is no operation of the model`);
  }
  return model;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
