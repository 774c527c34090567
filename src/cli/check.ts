import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { check, type CheckProgress, type CheckResult } from "../check.js";
import { exitCode, RaceproofError, UsageError } from "../errors.js";
import type { Condition, Isolation } from "../execution/model.js";
import type { Shard } from "../explore/strands.js";
import type { RememberedReport, VerdictFile } from "../explore/verdict.js";
import type { Remembered } from "../remembered.js";
import { counterexampleFileName, verdictFileName, writeCounterexample } from "../report/counterexample-file.js";
import { renderCounterexampleMarkdown } from "../report/markdown.js";
import { renderCounterexampleTerminal } from "../report/terminal.js";
import { renderVerdictMarkdown } from "../report/verdict-markdown.js";
import { renderVerdictTerminal } from "../report/verdict-terminal.js";
import { keep, readRemembered } from "../store/counterexamples.js";
import { writeVerdict } from "../store/verdict-file.js";
import { writeWhole, writing } from "../store/write.js";
import { loadModel } from "./load-model.js";
import { lookOf, ProgressLine, replayCommandOf } from "./terminal.js";

export interface CheckFlags {
  readonly implementation?: string[];
  readonly isolation?: Isolation[];
  readonly faults?: boolean;
  readonly strategy?: string;
  readonly seed?: string;
  readonly executions?: number;
  readonly time?: number;
  readonly shrinkTime?: number;
  readonly lanes?: number;
  readonly postgres?: string;
  /** A file, or `-` for standard output. */
  readonly json?: string;
  readonly reports: string;
  /** Where counterexamples are remembered; false for nowhere. */
  readonly counterexamples?: string | false;
  readonly shard?: Shard;
  readonly checkpoint?: string;
}

/** Where counterexamples are remembered, unless said otherwise. */
export const defaultFolder = "counterexamples";

/** `raceproof check [model]` */
export async function checkCommand(name: string, flags: CheckFlags, signal: AbortSignal): Promise<number> {
  const { model, module, sources } = await loadModel(name);
  await requireWritable(flags);
  // Models that ship with raceproof break on purpose; what breaks them is remembered where somebody says so.
  const folder = flags.counterexamples ?? (module === undefined ? false : defaultFolder);
  const remembered = folder === false ? [] : await readRemembered(folder);
  const progress = new ProgressLine();
  const result = await check(model, {
    ...optional({ implementations: flags.implementation, isolation: flags.isolation, faults: flags.faults }),
    ...optional({ strategy: flags.strategy, seed: flags.seed, executions: flags.executions, shard: flags.shard }),
    ...optional({
      seconds: flags.time,
      shrinkSeconds: flags.shrinkTime,
      lanes: flags.lanes,
      postgres: flags.postgres,
      module,
      sources,
      checkpoint: flags.checkpoint,
    }),
    reports: flags.reports,
    remembered,
    signal,
    onProgress: (event) => show(progress, event),
  });
  progress.clear();
  await write(result, flags);
  if (flags.json !== "-") print(result);
  // Where a check is divided, what all parts of it found is remembered by whoever merges them.
  if (folder !== false && flags.shard === undefined) await remember(folder, result, remembered);
  return exitCodeOf(result.verdict);
}

/** Keeps what was found for the next time. Where nothing can be written, as in some CI, that is no reason to fail. */
export async function remember(
  folder: string,
  { verdict, counterexamples }: CheckResult,
  before: readonly Remembered[],
): Promise<void> {
  try {
    const { added, replaced } = await keep(folder, counterexamples, before, verdict.remembered ?? []);
    const written = [...added, ...replaced];
    if (written.length === 0) return;
    process.stderr.write(
      `remembered, and replayed first from now on (commit ${written.length === 1 ? "it" : "them"}): ${written.join(", ")}\n`,
    );
  } catch (error) {
    if (!(error instanceof RaceproofError)) throw error;
    process.stderr.write(`raceproof: not remembered: ${error.message}\n`);
  }
}

function show(progress: ProgressLine, event: CheckProgress): void {
  switch (event.phase) {
    case "remembered":
      progress.clear();
      return void process.stderr.write(`${rememberedText(event.report)}\n`);
    case "explore": {
      const of = event.of === undefined ? "" : ` of ${event.of.toLocaleString("en-US")}`;
      const violations = event.signatures === 0 ? "" : `, ${event.signatures} kinds of violation`;
      return progress.show(
        `${rowText(event)}: ${event.executions.toLocaleString("en-US")}${of} executions, ${event.distinctSchedules.toLocaleString("en-US")} distinct schedules${violations}`,
      );
    }
    case "shrink":
      return progress.show(`${rowText(event)}: shrinking "${event.way}", ${event.executions} executions`);
    case "done":
      return progress.clear();
  }
}

/** Told at once, before anything else is run. */
function rememberedText({ file, state, note }: RememberedReport): string {
  const word = { breaks: "still breaks", fixed: "fixed", diverged: "DIVERGED" }[state];
  return `${word}: ${file} (${note})`;
}

function rowText({ implementation, condition }: { implementation: string; condition: Condition }): string {
  return condition === "read committed" ? implementation : `${implementation} (${condition})`;
}

/** Before the work, and not after minutes of it. */
export async function requireWritable({ reports, json }: Pick<CheckFlags, "reports" | "json">): Promise<void> {
  const folders = [
    path.resolve(reports),
    ...(json === undefined || json === "-" ? [] : [path.dirname(path.resolve(json))]),
  ];
  for (const folder of folders)
    await writing(folder, async () => {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
    });
  const isFolder = json !== undefined && json !== "-" && (await stat(json).catch(() => undefined))?.isDirectory();
  if (isFolder === true) throw new UsageError(`${json} is a folder; --json wants a file, or - for standard output`);
}

/** Files first: whatever happens to the terminal, nothing found is lost. */
export async function write(
  result: CheckResult,
  { reports, json }: Pick<CheckFlags, "reports" | "json">,
): Promise<void> {
  const { verdict, counterexamples } = result;
  const folder = path.resolve(reports);
  for (const counterexample of counterexamples) {
    const file = path.join(folder, counterexampleFileName(counterexample));
    await writeWhole(file, writeCounterexample(counterexample));
    const replayCommand = replayCommandOf(path.posix.join(reports, counterexampleFileName(counterexample)));
    await writeWhole(file.replace(/\.json$/, ".md"), renderCounterexampleMarkdown(counterexample, { replayCommand }));
  }
  await writeWhole(path.join(folder, verdictFileName(verdict.model)), renderVerdictMarkdown(verdict));
  const text = writeVerdict(result);
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) await writeWhole(path.resolve(json), text);
}

export function print({ verdict, counterexamples }: CheckResult): void {
  const look = lookOf(process.stdout);
  for (const counterexample of timelinesOf(verdict, counterexamples)) {
    const file = counterexampleOf(verdict, counterexample);
    process.stdout.write(
      `${renderCounterexampleTerminal(counterexample, { ...look, replayCommand: replayCommandOf(file) })}\n\n`,
    );
  }
  process.stdout.write(`${renderVerdictTerminal(verdict, look)}\n`);
}

/** Whose timelines are worth a screen each: all while they are few, and else those that nobody expected. Files have them all. */
function timelinesOf({ implementations }: VerdictFile, counterexamples: CheckResult["counterexamples"]) {
  if (counterexamples.length <= fewTimelines) return counterexamples;
  return counterexamples.filter(({ implementation, condition }) =>
    implementations.some((row) => row.name === implementation && row.condition === condition && !row.asExpected),
  );
}

const fewTimelines = 6;

function counterexampleOf(
  { implementations }: VerdictFile,
  { implementation, condition, signature }: CheckResult["counterexamples"][number],
): string {
  const found = implementations
    .find((each) => each.name === implementation && each.condition === condition)
    ?.violations.find((violation) => violation.signature === signature);
  return found?.counterexample ?? "";
}

export function exitCodeOf({ asExpected, interrupted, implementations }: VerdictFile): number {
  if (interrupted) return exitCode.interrupted;
  if (asExpected) return exitCode.ok;
  const unexpected = implementations.some(({ asExpected, verdict }) => !asExpected && verdict !== "inconclusive");
  return unexpected ? exitCode.unexpected : exitCode.inconclusive;
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys that are undefined. */
export function optional<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
