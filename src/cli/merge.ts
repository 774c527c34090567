import path from "node:path";
import { merge } from "../check/merge.js";
import type { CheckResult } from "../check/options.js";
import type { Remembered } from "../check/remembered.js";
import { shardsInOrder, type ShardResult } from "../check/shards.js";
import { UsageError } from "../errors.js";
import { readRemembered } from "../store/counterexamples.js";
import { writeFound } from "../store/found.js";
import { readShard } from "../store/verdict-file.js";
import {
  checkWithProgress,
  exitCodeOf,
  folderFor,
  remember,
  report,
  requireWritable,
  write,
  type CheckFlags,
} from "./check.js";
import { loadModel, type LoadedModel } from "./load-model.js";
import { read } from "./open-counterexample.js";
import { reportersOf } from "./reporters.js";

export interface MergeFlags extends Pick<
  CheckFlags,
  "json" | "reporter" | "reports" | "counterexamples" | "shrinkTime" | "lanes" | "postgres"
> {
  readonly shrink: boolean;
  readonly model?: string;
}

/** `raceproof merge FILE…` */
export async function mergeCommand(files: readonly string[], flags: MergeFlags, signal: AbortSignal): Promise<number> {
  const shards = shardsInOrder(await Promise.all(files.map(async (file) => readShard(await read(file), file))));
  const reporters = reportersOf(flags, process.env);
  await requireWritable(flags.reports, reporters);
  const folder = folderFor(shards[0]!.verdict.shard!.module ?? undefined, flags);
  const remembered = folder === false ? [] : await readRemembered(folder);
  const result = flags.shrink ? await shrunk(shards, remembered, flags, signal) : merge(shards, flags.reports);
  await write(result, flags);
  await writeFound(path.resolve(flags.reports), result.verdict.model, result.counterexamples);
  await report(result, reporters, flags.reports);
  if (folder !== false) await remember(folder, result, remembered);
  return exitCodeOf(result.verdict);
}

/** What one run would have come to that explored what the shards have explored. */
async function shrunk(
  shards: readonly ShardResult[],
  remembered: readonly Remembered[],
  flags: MergeFlags,
  signal: AbortSignal,
): Promise<CheckResult> {
  return checkWithProgress(await modelOf(shards[0]!, flags), flags, { shards, remembered }, signal);
}

async function modelOf({ verdict }: ShardResult, { model }: MergeFlags): Promise<LoadedModel> {
  try {
    return await loadModel(model ?? verdict.shard!.module ?? verdict.model);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(
      `what shards found is shrunk as one run does, and for that the model is needed: ${error.message}. ` +
        "Merge where the shards ran from, say with --model where it is, or give --no-shrink to only join what the shards have shrunk themselves",
    );
  }
}
