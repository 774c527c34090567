import { merge } from "../check/merge.js";
import { readRemembered } from "../store/counterexamples.js";
import { readShard } from "../store/verdict-file.js";
import { exitCodeOf, remember, report, requireWritable, write } from "./check.js";
import { read } from "./open-counterexample.js";
import { reportersOf } from "./reporters.js";

export interface MergeFlags {
  readonly json?: string;
  readonly reporter?: string[];
  readonly reports: string;
  readonly counterexamples?: string;
}

/** `raceproof merge FILE…` */
export async function mergeCommand(files: readonly string[], flags: MergeFlags): Promise<number> {
  const shards = await Promise.all(files.map(async (file) => readShard(await read(file), file)));
  const result = merge(shards, flags.reports);
  const reporters = reportersOf(flags, process.env);
  await requireWritable(flags.reports, reporters);
  await write(result, flags);
  await report(result, reporters, flags.reports);
  const { counterexamples: folder } = flags;
  if (folder !== undefined) await remember(folder, result, await readRemembered(folder));
  return exitCodeOf(result.verdict);
}
