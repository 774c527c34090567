import { exitCode } from "../errors.js";
import { describeStep } from "../report/lines.js";
import { renderCounterexampleTerminal } from "../report/terminal.js";
import { replayCounterexample } from "../replay.js";
import type { Replay } from "../shrink/confirm.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { optional } from "./check.js";
import { openCounterexample } from "./open-counterexample.js";
import { lookOf, ProgressLine, replayCommandOf } from "./terminal.js";

export interface ReplayFlags {
  readonly times: number;
  readonly postgres?: string;
  readonly model?: string;
  readonly json?: boolean;
}

/** `raceproof replay FILE` */
export async function replayCommand(file: string, flags: ReplayFlags, signal: AbortSignal): Promise<number> {
  const { counterexample, model } = await openCounterexample(file, flags.model);
  const progress = new ProgressLine();
  const { replays, postgres } = await replayCounterexample(model, counterexample, {
    ...optional({ postgres: flags.postgres }),
    times: flags.times,
    signal,
    onReplay: (_, number) => progress.show(`replay ${number + 1} of ${flags.times}`),
  });
  progress.clear();
  const summary = summaryOf(replays);
  if (flags.json === true) {
    process.stdout.write(
      `${JSON.stringify({ file, ...summary, times: replays.length, postgres: postgres.version }, null, 2)}\n`,
    );
  } else {
    show(counterexample, replays, file, `Postgres ${postgres.version} (${postgres.kind})`);
  }
  if (signal.aborted) return exitCode.interrupted;
  if (summary.reproduced === replays.length) return exitCode.ok;
  return summary.diverged > 0 ? exitCode.inconclusive : exitCode.unexpected;
}

function summaryOf(replays: readonly Replay[]) {
  const count = (kind: Replay["kind"]) => replays.filter((replay) => replay.kind === kind).length;
  return { reproduced: count("reproduced"), changed: count("changed"), diverged: count("diverged") };
}

function show(counterexample: Counterexample, replays: readonly Replay[], file: string, server: string): void {
  const [first] = replays;
  if (first?.trace !== undefined) {
    const shown = {
      ...counterexample,
      trace: first.trace,
      violations: first.kind === "diverged" ? [] : first.violations,
    };
    process.stdout.write(
      `${renderCounterexampleTerminal(shown, { ...lookOf(process.stdout), replayCommand: replayCommandOf(file) })}\n\n`,
    );
  }
  const { reproduced } = summaryOf(replays);
  process.stdout.write(`reproduced: ${reproduced} of ${replays.length}, on ${server}\n`);
  const other = replays.find(({ kind }) => kind !== "reproduced");
  if (other === undefined) return;
  if (other.kind === "diverged") return void process.stdout.write(`${divergenceText(counterexample, other)}\n`);
  const broken = other.violations.map(({ message }) => `  ${message}`).join("\n");
  process.stdout.write(
    broken === ""
      ? "changed: the same steps, and every invariant holds. If the code was fixed, this is the proof.\n"
      : `changed: the same steps, but something else is broken:\n${broken}\n`,
  );
}

function divergenceText({ trace }: Counterexample, { difference }: Extract<Replay, { kind: "diverged" }>): string {
  const { step, what, recorded, now } = difference;
  const recordedStep = trace.steps[step];
  return [
    `diverged at step ${step + 1}: ${what} differs`,
    ...(recordedStep === undefined ? [] : [`  the step: ${describeStep(recordedStep)}`]),
    `  recorded: ${recorded}`,
    `  now:      ${now}`,
    "Either the code, the model or the file was changed since it was recorded, or something outside raceproof's control takes part.",
  ].join("\n");
}
