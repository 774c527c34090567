import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { sourcesOf } from "../check/definition.js";
import { RaceproofError, UsageError } from "../errors.js";
import type { AnyModel } from "../execution/model.js";
import { gatePgOf } from "../session/pg.js";
import { usable } from "../usable-model.js";

/** Where the models that ship with raceproof are, each in a folder by its name. */
const models = new URL("../../models/", import.meta.url);
/** Their modules are compiled if this one is. */
const moduleName = `model${path.extname(import.meta.url)}`;

/** The names of the models that ship with raceproof. */
export function shippedModels(): string[] {
  return readdirSync(fileURLToPath(models)).filter((name) => existsSync(new URL(`${name}/${moduleName}`, models)));
}

export interface LoadedModel {
  readonly model: AnyModel;
  /** The module, relative to the working directory; undefined for a model that ships with raceproof. */
  readonly module: string | undefined;
  /** Digest of its sources. */
  readonly sources: string;
}

/**
 * Loads a model by its name, if it ships with raceproof, or from a module (TypeScript or JavaScript) whose default
 * export it is.
 *
 * @throws {UsageError} When there is no such model, or it is not one.
 */
export async function loadModel(nameOrFile: string): Promise<LoadedModel> {
  const shipped = shippedModels();
  if (shipped.includes(nameOrFile)) {
    const { href } = new URL(`${nameOrFile}/${moduleName}`, models);
    const module = (await import(href)) as { readonly default: unknown };
    const sources = await sourcesOf(fileURLToPath(href));
    return { model: usable(module.default, nameOrFile), module: undefined, sources };
  }
  const file = path.resolve(nameOrFile);
  if (!existsSync(file)) {
    throw new UsageError(
      `there is no model "${nameOrFile}": it is neither a file nor one of the models that ship with raceproof (${shipped.join(", ")})`,
    );
  }
  if (statSync(file).isDirectory())
    throw new UsageError(`${nameOrFile} is a folder; name the module whose default export is the model`);
  gatePgOf(file);
  const model = usable(await importDefault(file, nameOrFile), nameOrFile);
  return { model, module: path.relative(process.cwd(), file).replaceAll("\\", "/"), sources: await sourcesOf(file) };
}

async function importDefault(file: string, name: string): Promise<unknown> {
  try {
    // What needs no compiling is left to Node; the rest goes through jiti, at the user's own imports too. A `.js` may be
    // either kind of module, whatever the nearest package.json says.
    if (file.endsWith(".mjs")) return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
    return await createJiti(pathToFileURL(file).href).import(file, { default: true });
  } catch (error) {
    if (error instanceof RaceproofError) throw error;
    throw new UsageError(`${name} cannot be loaded: ${explained(error, file)}`);
  }
}

/** What went wrong, on one line, and where in the file if that is known. */
function explained(error: unknown, file: string): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack } = error;
  const frame = stack?.split("\n").find((line) => /^\s+at /.test(line) && line.includes(file));
  const where = frame?.trim() ?? (error instanceof SyntaxError ? placeOfSyntaxError(file) : undefined);
  const what = message.replace(/\s*Require stack:[^]*/, "").replace(/\s+/g, " ");
  return `${name}: ${what}${where === undefined ? "" : `\n  ${where}`}`;
}

/** Node tells the place of a syntax error in a module on the terminal only. */
function placeOfSyntaxError(file: string): string | undefined {
  const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: 10_000 });
  const place = stderr?.split("\n").find((line) => line.includes(path.basename(file)) && /:\d+$/.test(line));
  return place === undefined ? undefined : `at ${place}`;
}
