import { writeFile } from "node:fs/promises";
import { exitCode, UsageError } from "../errors.js";
import { toPsql } from "../report/export-psql.js";
import { toSpec } from "../report/export-spec.js";
import { toTest } from "../report/export-test.js";
import { reproductionOf } from "../report/reproduction.js";
import { openCounterexample } from "./open-counterexample.js";

export interface ExportFlags {
  readonly format: "spec" | "psql" | "test";
  readonly model?: string;
  readonly output?: string;
}

const writers = { spec: toSpec, psql: toPsql };

/** `raceproof export FILE` */
export async function exportCommand(file: string, { format, model: given, output }: ExportFlags): Promise<number> {
  const { counterexample, model } = await openCounterexample(file, given);
  const text = format === "test" ? toTest(counterexample) : writers[format](reproductionOf(model, counterexample));
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
