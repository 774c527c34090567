import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { check, type CheckResult } from "../check.js";
import { exitCode, UsageError } from "../errors.js";
import type { Isolation } from "../execution/model.js";
import type { VerdictFile } from "../explore/verdict.js";
import { counterexampleFileName, verdictFileName, writeCounterexample } from "../report/counterexample-file.js";
import { renderCounterexampleMarkdown } from "../report/markdown.js";
import type { Report } from "../report/report.js";
import { renderVerdictMarkdown } from "../report/verdict-markdown.js";
import { CheckView } from "./check-progress.js";
import { loadModel } from "./load-model.js";
import { pageFile, reportersOf, writeReports, type Reporter } from "./reporters.js";
import { LiveRegion, replayCommandOf } from "./terminal.js";
import { writeWhole, writing } from "./write-whole.js";

export interface CheckFlags {
  readonly implementation?: string[];
  readonly isolation?: Isolation[];
  readonly faults?: boolean;
  readonly strategy?: string;
  readonly seed?: string;
  readonly executions?: number;
  readonly time?: number;
  readonly lanes?: number;
  readonly postgres?: string;
  /** A file, or `-` for standard output. */
  readonly json?: string;
  /** `NAME` or `NAME=FILE`. */
  readonly reporter?: string[];
  readonly reports: string;
}

/** `raceproof check [model]` */
export async function checkCommand(name: string, flags: CheckFlags, signal: AbortSignal): Promise<number> {
  const { model, module } = await loadModel(name);
  const reporters = reportersOf(flags, process.env);
  await requireWritable(flags.reports, reporters);
  const region = new LiveRegion();
  const view = new CheckView(performance.now());
  const result = await check(model, {
    ...optional({ implementations: flags.implementation, isolation: flags.isolation, faults: flags.faults }),
    ...optional({ strategy: flags.strategy, seed: flags.seed, executions: flags.executions }),
    ...optional({ seconds: flags.time, lanes: flags.lanes, postgres: flags.postgres, module }),
    reports: flags.reports,
    signal,
    onProgress: (event) => {
      const lines = view.note(event, performance.now(), region.width);
      if (lines.length > 0) region.show(lines);
    },
  });
  region.clear();
  await write(result, flags);
  await writeReports(reportOf(result), reporters, pageFile(flags.reports, result.verdict.model));
  return exitCodeOf(result.verdict);
}

/** Before the work, and not after minutes of it. */
async function requireWritable(reports: string, reporters: readonly Reporter[]): Promise<void> {
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
async function write({ verdict, counterexamples }: CheckResult, { reports }: CheckFlags): Promise<void> {
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

function exitCodeOf({ asExpected, interrupted, implementations }: VerdictFile): number {
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
