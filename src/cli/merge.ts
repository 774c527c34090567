import { merge } from "../merge.js";
import { readRemembered } from "../store/counterexamples.js";
import { readShard } from "../store/verdict-file.js";
import { exitCodeOf, print, remember, requireWritable, write } from "./check.js";
import { read } from "./open-counterexample.js";

export interface MergeFlags {
  readonly json?: string;
  readonly reports: string;
  readonly counterexamples?: string;
}

/** `raceproof merge FILE…` */
export async function mergeCommand(files: readonly string[], flags: MergeFlags): Promise<number> {
  const shards = await Promise.all(files.map(async (file) => readShard(await read(file), file)));
  const result = merge(shards, flags.reports);
  await requireWritable(flags);
  await write(result, flags);
  if (flags.json !== "-") print(result);
  const { counterexamples: folder } = flags;
  if (folder !== undefined) await remember(folder, result, await readRemembered(folder));
  return exitCodeOf(result.verdict);
}
