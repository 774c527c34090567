import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "../errors.js";

/**
 * Writes a file by a temporary name beside it, so that it is there whole or not at all, and makes its folder.
 *
 * @throws {UsageError} When it cannot be written.
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await writing(file, async () => {
    await mkdir(path.dirname(file), { recursive: true });
    // Others may be writing the same file.
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, content);
    await rename(temporary, file);
  });
}

/** Does something with a file; what goes wrong is the user's to mend. */
export async function writing(file: string, body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${(error as Error).message}`);
  }
}
