import { writeFile } from "node:fs/promises";
import { exitCode, UsageError } from "../errors.js";
import { readCounterexample } from "../report/counterexample-file.js";
import { toPsql } from "../report/export-psql.js";
import { toSpec } from "../report/export-spec.js";
import { reproductionOf } from "../report/reproduction.js";
import { loadModel } from "./load-model.js";
import { moduleOf, read } from "./replay.js";

export interface ExportFlags {
  readonly format: "spec" | "psql";
  readonly model?: string;
  readonly output?: string;
}

const writers = { spec: toSpec, psql: toPsql };

/** `raceproof export FILE` */
export async function exportCommand(file: string, { format, model: given, output }: ExportFlags): Promise<number> {
  const counterexample = readCounterexample(await read(file), file);
  const { model } = await loadModel(given ?? moduleOf(counterexample));
  const text = writers[format](reproductionOf(model, counterexample));
  if (output === undefined || output === "-") process.stdout.write(text);
  else await write(output, text);
  return exitCode.ok;
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${(error as Error).message}; name another file with --output`);
  }
}
