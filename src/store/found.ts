import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../errors.js";
import { counterexampleFileName, verdictFileName } from "../report/counterexample-file.js";
import type { Counterexample, OriginalStep } from "../shrink/counterexample.js";
import type { Size } from "../shrink/size.js";
import { writeWhole } from "./write.js";

/** What a counterexample was when it was found. */
interface Found {
  /** Name of its file. */
  readonly counterexample: string;
  readonly seed?: string;
  readonly from: Size;
  readonly executions: number;
  readonly steps: readonly OriginalStep[];
}

/** Its file, beside the counterexamples: their own files are the same whoever finds them. */
export function foundFileName(model: string): string {
  return verdictFileName(model).replace(/\.verdict\.md$/u, ".found.jsonl");
}

/**
 * Writes what counterexamples were when they were found, a line for each that was larger then. Where none was, what an earlier
 * run has written is removed.
 */
export async function writeFound(
  folder: string,
  model: string,
  counterexamples: readonly Counterexample[],
): Promise<void> {
  const lines = counterexamples.flatMap((counterexample) => {
    const { original, seed, shrink } = counterexample;
    if (original === undefined || shrink.from === undefined) return [];
    const found: Found = {
      counterexample: counterexampleFileName(counterexample),
      ...(seed === undefined ? {} : { seed }),
      from: shrink.from,
      executions: shrink.executions ?? 0,
      steps: original,
    };
    return [`${JSON.stringify(found)}\n`];
  });
  const file = path.join(folder, foundFileName(model));
  if (lines.length === 0) await rm(file, { force: true });
  else await writeWhole(file, lines.join(""));
}

/**
 * The counterexample with what it was when it was found, where that stands in its folder.
 *
 * @param file Where the counterexample stands.
 * @throws {UsageError} When what stands there cannot be read.
 */
export async function withFound(counterexample: Counterexample, file: string): Promise<Counterexample> {
  const beside = path.join(path.dirname(file), foundFileName(counterexample.model.name));
  const text = await readFile(path.resolve(beside), "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "");
  const found = lines.map((line) => foundOf(line, beside)).find((each) => each.counterexample === path.basename(file));
  if (found === undefined) return counterexample;
  const { seed, from, executions, steps } = found;
  return {
    ...counterexample,
    ...(seed === undefined ? {} : { seed }),
    original: steps,
    shrink: { ...counterexample.shrink, from, executions },
  };
}

function foundOf(line: string, file: string): Found {
  try {
    const found = JSON.parse(line) as Found;
    const sizes = [found.from.operations, found.from.faults, found.from.steps, found.from.switches, found.executions];
    const texts = found.steps.flatMap(({ actor, session, text }) => [actor, session, text]);
    if (sizes.every(Number.isSafeInteger) && texts.every((text) => typeof text === "string")) return found;
  } catch {
    // Said below.
  }
  throw new UsageError(`${file} cannot be read: a line of it is not what a check writes; remove it, or check again`);
}
