import { readdirSync } from "node:fs";
import path from "node:path";

import type { Account } from "./identity.js";
import { directoryPrefix, removeRunDirectory, standing, type Standing } from "./run-directory.js";
import { storageFolders } from "./storage.js";

/** The directories that are called like ours, and what can be said of each. */
export function runDirectories(
  account: Account | undefined,
  folders: readonly string[] = storageFolders(),
): { run: string; standing: Standing }[] {
  return folders.flatMap((folder) =>
    entriesOf(folder)
      .filter((name) => name.startsWith(directoryPrefix))
      .map((name) => path.join(folder, name))
      .map((run) => ({ run, standing: standing(run, account) })),
  );
}

/**
 * Removes what servers of dead owners left behind, and ends such a server where it still runs. Never rejects: a leftover
 * that cannot be removed is no reason not to start.
 *
 * @returns the directories that were removed.
 */
export async function sweepDirectories(account: Account | undefined, folders?: readonly string[]): Promise<string[]> {
  const leftovers = runDirectories(account, folders).filter(({ standing }) => standing === "left over");
  const swept = await Promise.allSettled(leftovers.map(({ run }) => removeRunDirectory(run).then(() => run)));
  return swept.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
