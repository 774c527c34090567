import { constants } from "node:fs";
import { access, mkdir, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { check, type CheckProgress, type CheckResult } from "../check.js";
import { exitCode, UsageError } from "../errors.js";
import type { Condition, Isolation } from "../execution/model.js";
import type { VerdictFile } from "../explore/verdict.js";
import { counterexampleFileName, verdictFileName, writeCounterexample } from "../report/counterexample-file.js";
import { renderCounterexampleMarkdown } from "../report/markdown.js";
import { renderCounterexampleTerminal } from "../report/terminal.js";
import { renderVerdictMarkdown } from "../report/verdict-markdown.js";
import { renderVerdictTerminal } from "../report/verdict-terminal.js";
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
}

/** `raceproof check [model]` */
export async function checkCommand(name: string, flags: CheckFlags, signal: AbortSignal): Promise<number> {
  const { model, module } = await loadModel(name);
  await requireWritable(flags);
  const progress = new ProgressLine();
  const result = await check(model, {
    ...optional({ implementations: flags.implementation, isolation: flags.isolation, faults: flags.faults }),
    ...optional({ strategy: flags.strategy, seed: flags.seed, executions: flags.executions }),
    ...optional({
      seconds: flags.time,
      shrinkSeconds: flags.shrinkTime,
      lanes: flags.lanes,
      postgres: flags.postgres,
      module,
    }),
    reports: flags.reports,
    signal,
    onProgress: (event) => show(progress, event),
  });
  progress.clear();
  await write(result, flags);
  if (flags.json !== "-") print(result);
  return exitCodeOf(result.verdict);
}

function show(progress: ProgressLine, event: CheckProgress): void {
  switch (event.phase) {
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

function rowText({ implementation, condition }: { implementation: string; condition: Condition }): string {
  return condition === "read committed" ? implementation : `${implementation} (${condition})`;
}

/** Before the work, and not after minutes of it. */
async function requireWritable({ reports, json }: CheckFlags): Promise<void> {
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
async function write({ verdict, counterexamples }: CheckResult, { reports, json }: CheckFlags): Promise<void> {
  const folder = path.resolve(reports);
  for (const counterexample of counterexamples) {
    const file = path.join(folder, counterexampleFileName(counterexample));
    await writeWhole(file, writeCounterexample(counterexample));
    const replayCommand = replayCommandOf(path.posix.join(reports, counterexampleFileName(counterexample)));
    await writeWhole(file.replace(/\.json$/, ".md"), renderCounterexampleMarkdown(counterexample, { replayCommand }));
  }
  await writeWhole(path.join(folder, verdictFileName(verdict.model)), renderVerdictMarkdown(verdict));
  const text = `${JSON.stringify(verdict, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) await writeWhole(path.resolve(json), text);
}

function print({ verdict, counterexamples }: CheckResult): void {
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

/** By a temporary name, so that a file is there whole or not at all. */
async function writeWhole(file: string, text: string): Promise<void> {
  await writing(file, async () => {
    await mkdir(path.dirname(file), { recursive: true });
    // Others may be writing the same file.
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, text);
    await rename(temporary, file);
  });
}

async function writing(file: string, body: () => Promise<unknown>): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw new UsageError(`${file} cannot be written: ${(error as Error).message}`);
  }
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
