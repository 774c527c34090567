import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../errors.js";
import type { RememberedReport } from "../explore/verdict.js";
import type { Remembered } from "../check/remembered.js";
import { counterexampleFileName, readCounterexample, writeCounterexample } from "../report/counterexample-file.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { compareSizes } from "../shrink/size.js";
import { writeWhole } from "./write.js";

/**
 * The counterexamples that a folder holds, in the order of their names; none where there is no folder. Their files are
 * named relative to the working directory.
 *
 * @throws {UsageError} When one of the `.json` files there is no counterexample, or cannot be read.
 */
export async function readRemembered(folder: string): Promise<Remembered[]> {
  const names = (await entries(folder)).filter((name) => name.endsWith(".json")).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name).replaceAll("\\", "/");
      return { file, counterexample: readCounterexample(await text(file), file) };
    }),
  );
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new UsageError(
      code === "ENOTDIR"
        ? `${folder} is a file; counterexamples are kept in a folder`
        : `${folder} cannot be read: ${message}`,
    );
  }
}

async function text(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** What became of counterexamples that were to be kept. */
export interface Kept {
  /** Files of those that were not there before. */
  readonly added: readonly string[];
  /** Files whose counterexample gave way to a smaller one, or to one that can still be replayed. */
  readonly replaced: readonly string[];
}

/**
 * Keeps counterexamples in a folder, one file for each signature of an implementation under a condition: what is there
 * already stays, to the byte, unless what was found is smaller, or what is there no longer does what its record says.
 *
 * @param before What the folder holds.
 * @param states What has become of that.
 * @throws {UsageError} When a file cannot be written.
 */
export async function keep(
  folder: string,
  found: readonly Counterexample[],
  before: readonly Remembered[],
  states: readonly RememberedReport[],
): Promise<Kept> {
  const breaks = new Set(states.filter(({ asRecorded }) => asRecorded).map(({ file }) => file));
  const added: string[] = [];
  const replaced: string[] = [];
  for (const counterexample of found) {
    const known = before.find((each) => isSame(each.counterexample, counterexample));
    if (known?.counterexample === counterexample) continue;
    if (known !== undefined && breaks.has(known.file) && !isSmaller(counterexample, known.counterexample)) continue;
    const file = known?.file ?? path.join(folder, counterexampleFileName(counterexample)).replaceAll("\\", "/");
    await writeWhole(file, writeCounterexample(counterexample));
    (known === undefined ? added : replaced).push(file);
  }
  return { added, replaced };
}

function isSame(a: Counterexample, b: Counterexample): boolean {
  return (
    a.model.name === b.model.name &&
    a.implementation === b.implementation &&
    a.condition === b.condition &&
    a.signature === b.signature
  );
}

function isSmaller(a: Counterexample, b: Counterexample): boolean {
  return compareSizes(a.shrink.to, b.shrink.to) < 0;
}
