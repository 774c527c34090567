import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../errors.js";
import type { AnyModel } from "../execution/model.js";
import { readCounterexample } from "../report/counterexample-file.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { loadModel } from "./load-model.js";

/**
 * A counterexample that is named on the command line, and its model.
 *
 * @param module Where the model is, if not where the counterexample says.
 * @throws {UsageError} When there is no such file, no such model, or they are none.
 */
export async function openCounterexample(
  file: string,
  module: string | undefined,
): Promise<{ readonly counterexample: Counterexample; readonly model: AnyModel }> {
  const counterexample = readCounterexample(await read(file), file);
  const { model } = await loadModel(module ?? moduleOf(counterexample));
  return { counterexample, model };
}

function moduleOf({ model: { name, module } }: Counterexample): string {
  if (module !== null && !existsSync(module))
    throw new UsageError(
      `there is no ${module}, where the model was, as seen from the folder in which the counterexample was found; replay it from there, or say with --model where the model is`,
    );
  return module ?? name;
}

/** The text of a file that the user named. */
export async function read(file: string): Promise<string> {
  try {
    return await readFile(path.resolve(file), "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(code === "ENOENT" ? `there is no file ${file}` : `${file} cannot be read: ${message}`);
  }
}
