import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../errors.js";

/**
 * Writes a file by a temporary name, so that it is there whole or not at all.
 *
 * @throws {UsageError} When it cannot be written.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writing(file, async () => {
    await mkdir(path.dirname(file), { recursive: true });
    // Others may be writing the same file.
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, text);
    await rename(temporary, file);
  });
}

/** Says which file it was that could not be written. */
export async function writing(file: string, body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${(error as Error).message}`);
  }
}
