import { exitCode, UsageError } from "../errors.js";
import { describeStep } from "../report/lines.js";
import { renderCounterexampleTerminal, renderTraceTerminal } from "../report/terminal.js";
import { timelineLiteral } from "../report/timeline-literal.js";
import { replayCounterexample, type Cause, type GuidedReplay, type ReplayResult } from "../replay.js";
import type { Replay } from "../shrink/confirm.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { optional } from "./check.js";
import { openCounterexample } from "./open-counterexample.js";
import { pauseAt, Stopped } from "./pause.js";
import { lookOf, ProgressLine, replayCommandOf } from "./terminal.js";

export interface ReplayFlags {
  readonly times: number;
  readonly postgres?: string;
  readonly model?: string;
  readonly guided?: boolean;
  /** Number of a step, from 1. */
  readonly pauseAt?: number;
  readonly json?: boolean;
}

/** `raceproof replay FILE` */
export async function replayCommand(file: string, flags: ReplayFlags, signal: AbortSignal): Promise<number> {
  const { counterexample, model } = await openCounterexample(file, flags.model);
  requirePausable(flags, counterexample);
  const progress = new ProgressLine();
  const pause = flags.pauseAt === undefined ? undefined : pauseAt(flags.pauseAt, model, signal);
  try {
    const result = await replayCounterexample(model, counterexample, {
      ...optional({ postgres: flags.postgres, guided: flags.guided, pause }),
      times: flags.times,
      signal,
      onReplay: (_, number) => progress.show(`replay ${number + 1} of ${flags.times}`),
    });
    progress.clear();
    if (flags.json === true) process.stdout.write(`${JSON.stringify(summaryOf(file, result), null, 2)}\n`);
    else show(counterexample, result, file);
    return signal.aborted ? exitCode.interrupted : exitCodeOf(result);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return signal.aborted ? exitCode.interrupted : exitCode.ok;
  }
}

function requirePausable({ pauseAt, json, times }: ReplayFlags, { trace }: Counterexample): void {
  if (pauseAt === undefined) return;
  if (json === true || times > 1) throw new UsageError("--pause-at goes neither with --json nor with --times");
  if (pauseAt > trace.steps.length)
    throw new UsageError(
      `there is no step ${pauseAt} to pause at; the record has the steps 1 to ${trace.steps.length}`,
    );
}

/** The whole is as good as its worst replay; what a guided one came to counts where none could be compared. */
function exitCodeOf({ replays, guided }: ReplayResult): number {
  const kinds = new Set(replays.map(({ kind }) => kind));
  if (kinds.has("diverged")) {
    if (guided === undefined) return exitCode.inconclusive;
    return guided.kind === "reproduced" ? exitCode.ok : exitCode.unexpected;
  }
  return kinds.has("fixed") || kinds.has("changed") ? exitCode.unexpected : exitCode.ok;
}

function countOf(replays: readonly Replay[], kind: Replay["kind"]): number {
  return replays.filter((replay) => replay.kind === kind).length;
}

function summaryOf(file: string, { replays, cause, guided, postgres }: ReplayResult) {
  const difference = replays.find(({ kind }) => kind === "diverged")?.difference;
  return {
    file,
    reproduced: countOf(replays, "reproduced"),
    fixed: countOf(replays, "fixed"),
    changed: countOf(replays, "changed"),
    diverged: countOf(replays, "diverged"),
    times: replays.length,
    ...(difference && { difference: { ...difference, step: difference.step + 1 }, cause }),
    ...(guided && {
      guided: {
        kind: guided.kind,
        legs: guided.legs,
        followed: guided.followed,
        added: guided.added,
        gone: guided.gone,
        violations: guided.violations,
      },
    }),
    postgres: postgres.version,
  };
}

function show(counterexample: Counterexample, { replays, cause, guided, postgres }: ReplayResult, file: string): void {
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const [first] = replays;
  const shown = guided ?? first;
  if (shown !== undefined) {
    const look = lookOf(process.stdout);
    const now = { ...counterexample, trace: shown.trace, violations: shown.violations };
    print(
      shown.kind === "reproduced"
        ? renderCounterexampleTerminal(now, { ...look, replayCommand: replayCommandOf(file) })
        : renderTraceTerminal(now, look),
    );
    const schedule = shown.trace.schedule;
    print(`The same order of steps, for a test or a scenario:\n\n${timelineLiteral({ ...shown, schedule })}\n`);
  }
  print(
    `reproduced: ${countOf(replays, "reproduced")} of ${replays.length}, on Postgres ${postgres.version} (${postgres.kind})`,
  );
  const other = replays.find(({ kind }) => kind !== "reproduced");
  if (other !== undefined) print(otherText(counterexample, other, cause));
  if (guided !== undefined) print(guidedText(guided));
}

function otherText(counterexample: Counterexample, replay: Replay, cause: Cause | undefined): string {
  if (replay.kind === "fixed") return "fixed: the same steps, and every invariant holds";
  if (replay.kind === "diverged") return divergenceText(counterexample, replay, cause!);
  const broken = replay.violations.map(({ message }) => `  ${message}`).join("\n");
  return `changed: the same steps, but something else is broken:\n${broken}`;
}

const causes: Readonly<Record<Cause, string>> = {
  "code changed":
    "The code or the model was most likely changed since it was recorded; --guided follows the record as far as it makes sense.",
  "another Postgres": "Most likely this Postgres does otherwise than the one that it was recorded on.",
  "data changed": "The steps are the same, so what they find has changed: the model's schema or its rows, most likely.",
  "uncontrolled input":
    "Two replays differ from each other, too: something outside raceproof's control takes part (a clock, a random number, another process).",
};

function divergenceText(
  { trace, environment }: Counterexample,
  { difference, trace: now }: Extract<Replay, { kind: "diverged" }>,
  cause: Cause,
): string {
  const { step, what, recorded, now: found } = difference;
  const sides = [
    ["recorded", trace.steps[step], recorded],
    ["now", now.steps[step], found],
  ] as const;
  return [
    `diverged at step ${step + 1}: ${what} differs`,
    ...sides.flatMap(([side, one, aspect]) => [
      `  ${`${side}:`.padEnd(9)} ${aspect}`,
      ...(one === undefined ? [] : [`            in ${describeStep(one)}`]),
    ]),
    ...(cause === "another Postgres" ? [`Recorded on Postgres ${environment.postgres.version}.`] : []),
    causes[cause],
  ].join("\n");
}

function guidedText({ kind, legs, followed, added, gone, violations }: GuidedReplay): string {
  const ends = {
    reproduced: "it still breaks in the same way",
    changed: `something else is broken now:\n${violations.map(({ message }) => `  ${message}`).join("\n")}`,
    fixed: "every invariant holds",
  }[kind];
  const list = (what: string, texts: readonly string[]) => texts.map((text) => `  ${what}: ${text}`);
  return [
    `guided: ${kind}: ${followed} of ${legs} runs of one actor could be followed; ${ends}`,
    ...list("new", added),
    ...list("gone", gone),
  ].join("\n");
}
