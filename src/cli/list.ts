import path from "node:path";
import { exitCode, RaceproofError } from "../errors.js";
import type { RememberedReport } from "../explore/verdict.js";
import { recallAll } from "../check/recall-all.js";
import type { Remembered } from "../check/remembered.js";
import { renderList, type Listed } from "../report/list.js";
import { sinceWhen } from "../store/ages.js";
import { readRemembered } from "../store/counterexamples.js";
import { optional } from "./check.js";
import { loadModel } from "./load-model.js";
import { lookOf, ProgressLine } from "./terminal.js";

export interface ListFlags {
  readonly counterexamples: string;
  readonly replay: boolean;
  readonly postgres?: string;
  readonly model?: string;
  readonly json?: boolean;
}

/** `raceproof list` */
export async function listCommand(flags: ListFlags, signal: AbortSignal): Promise<number> {
  const folder = flags.counterexamples;
  const remembered = await readRemembered(folder);
  const states = flags.replay ? await statesOf(remembered, flags, signal) : new Map<string, State>();
  const since = await sinceWhen(
    folder,
    remembered.map(({ file }) => path.basename(file)),
  );
  const listed = remembered.map(({ file, counterexample }): Listed => {
    const { model, implementation, condition, signature, shrink } = counterexample;
    const { time, by } = since.get(path.basename(file))!;
    const { operations, faults, switches } = shrink.to;
    return {
      file,
      model: model.name,
      implementation,
      condition,
      signature,
      operations,
      faults,
      switches,
      since: time.toISOString(),
      by,
      ...(states.get(file) ?? { state: "unknown", note: "not replayed" }),
    };
  });
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ folder, counterexamples: listed }, null, 2)}\n`
      : renderList(folder, listed, new Date(), lookOf(process.stdout)),
  );
  return signal.aborted ? exitCode.interrupted : exitCode.ok;
}

type State = Pick<Listed, "state" | "note">;

/** What has become of each, by file; unknown where its model cannot be loaded. */
async function statesOf(
  remembered: readonly Remembered[],
  flags: ListFlags,
  signal: AbortSignal,
): Promise<Map<string, State>> {
  const progress = new ProgressLine();
  const states = new Map<string, State>();
  for (const [module, group] of byModule(remembered, flags.model)) {
    progress.show(`replaying ${group.length} of ${module}`);
    try {
      const { model } = await loadModel(module);
      const reports: RememberedReport[] = await recallAll(model, group, {
        ...optional({ postgres: flags.postgres }),
        signal,
      });
      for (const { file, state, note } of reports) states.set(file, { state, note });
    } catch (error) {
      if (!(error instanceof RaceproofError)) throw error;
      for (const { file } of group) states.set(file, { state: "unknown", note: error.message });
    }
  }
  progress.clear();
  return states;
}

function byModule(remembered: readonly Remembered[], module: string | undefined): Map<string, Remembered[]> {
  const groups = new Map<string, Remembered[]>();
  for (const each of remembered) {
    const { model } = each.counterexample;
    const key = module ?? model.module ?? model.name;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}
