import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { check } from "../check/check.js";
import type { CheckOptions, CheckProgress, CheckResult } from "../check/options.js";
import { exitCode, RaceproofError, UsageError } from "../errors.js";
import type { Isolation } from "../execution/model.js";
import type { Shard } from "../explore/strands.js";
import type { RememberedReport, VerdictFile } from "../explore/verdict.js";
import type { Remembered } from "../check/remembered.js";
import { counterexampleFileName, verdictFileName, writeCounterexample } from "../report/counterexample-file.js";
import { renderCounterexampleMarkdown } from "../report/markdown.js";
import type { Report } from "../report/report.js";
import { renderVerdictMarkdown } from "../report/verdict-markdown.js";
import { keep, readRemembered } from "../store/counterexamples.js";
import { writeFound } from "../store/found.js";
import { writeWhole, writing } from "../store/write.js";
import { CheckView } from "./check-progress.js";
import { loadModel, type LoadedModel } from "./load-model.js";
import { pageFile, reportersOf, writeReports, type Reporter } from "./reporters.js";
import { LiveRegion, replayCommandOf } from "./terminal.js";

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
  /** `NAME` or `NAME=FILE`. */
  readonly reporter?: string[];
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
  const loaded = await loadModel(name);
  const reporters = reportersOf(flags, process.env);
  await requireWritable(flags.reports, reporters);
  const folder = folderFor(loaded.module, flags);
  const remembered = folder === false ? [] : await readRemembered(folder);
  const options = {
    ...optional({ implementations: flags.implementation, isolation: flags.isolation, faults: flags.faults }),
    ...optional({ strategy: flags.strategy, seed: flags.seed, executions: flags.executions, shard: flags.shard }),
    ...optional({ seconds: flags.time, checkpoint: flags.checkpoint }),
    remembered,
  };
  const result = await checkWithProgress(loaded, flags, options, signal);
  await write(result, flags);
  await writeFound(path.resolve(flags.reports), loaded.model.name, result.counterexamples);
  await report(result, reporters, flags.reports);
  // Where a check is divided, what all parts of it found is remembered by whoever merges them.
  if (folder !== false && flags.shard === undefined) await remember(folder, result, remembered);
  return exitCodeOf(result.verdict);
}

/** Models that ship with raceproof break on purpose; what breaks them is remembered where somebody says so. */
export function folderFor(
  module: string | undefined,
  { counterexamples }: Pick<CheckFlags, "counterexamples">,
): string | false {
  return counterexamples ?? (module === undefined ? false : defaultFolder);
}

/** Checks a model as flags say, and shows how far it is. */
export async function checkWithProgress(
  { model, module, sources }: LoadedModel,
  { reports, shrinkTime, lanes, postgres }: Pick<CheckFlags, "reports" | "shrinkTime" | "lanes" | "postgres">,
  options: CheckOptions,
  signal: AbortSignal,
): Promise<CheckResult> {
  const region = new LiveRegion();
  const view = new CheckView(performance.now());
  const result = await check(model, {
    ...options,
    ...optional({ shrinkSeconds: shrinkTime, lanes, postgres, module, sources }),
    reports,
    signal,
    onProgress: (event) => show(region, view, event),
  });
  region.clear();
  return result;
}

/** Tells what a check came to, in all the ways that were asked for. */
export async function report(result: CheckResult, reporters: readonly Reporter[], reports: string): Promise<void> {
  await writeReports(reportOf(result), reporters, pageFile(reports, result.verdict.model));
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

function show(region: LiveRegion, view: CheckView, event: CheckProgress): void {
  if (event.phase === "remembered") {
    region.clear();
    return void process.stderr.write(`${rememberedText(event.report)}\n`);
  }
  const lines = view.note(event, performance.now(), region.width);
  if (lines.length > 0) region.show(lines);
}

/** Told at once, before anything else is run. */
function rememberedText({ file, state, note }: RememberedReport): string {
  const word = { breaks: "still breaks", fixed: "fixed", diverged: "DIVERGED" }[state];
  return `${word}: ${file} (${note})`;
}

/** Before the work, and not after minutes of it. */
export async function requireWritable(reports: string, reporters: readonly Reporter[]): Promise<void> {
  const files = reporters.filter(({ file }) => file !== undefined && file !== "-");
  const folders = [path.resolve(reports), ...files.map(({ file }) => path.dirname(path.resolve(file!)))];
  for (const folder of folders)
    await writing(folder, async () => {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
    });
  for (const { name, file } of files)
    if ((await stat(file!).catch(() => undefined))?.isDirectory() === true)
      throw new UsageError(
        `${file} is a folder; --reporter ${name}= and --${name} want a file, or - for standard output`,
      );
}

/** Files first: whatever happens to the terminal, nothing found is lost. */
export async function write(
  { verdict, counterexamples }: CheckResult,
  { reports }: Pick<CheckFlags, "reports">,
): Promise<void> {
  const folder = path.resolve(reports);
  for (const counterexample of counterexamples) {
    const file = path.join(folder, counterexampleFileName(counterexample));
    await writeWhole(file, writeCounterexample(counterexample));
    const replayCommand = replayCommandOf(path.posix.join(reports, counterexampleFileName(counterexample)));
    await writeWhole(file.replace(/\.json$/, ".md"), renderCounterexampleMarkdown(counterexample, { replayCommand }));
  }
  await writeWhole(path.join(folder, verdictFileName(verdict.model)), renderVerdictMarkdown(verdict));
}

/** Everything that the reporters tell. */
function reportOf({ verdict, counterexamples }: CheckResult): Report {
  const told = counterexamples.map((counterexample) => {
    const file = counterexampleOf(verdict, counterexample);
    return { counterexample, file, replayCommand: replayCommandOf(file) };
  });
  return { verdict, counterexamples: told };
}

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
