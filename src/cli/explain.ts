import { exitCode } from "../errors.js";
import { explainSteps, type ExplainedStep } from "../explain.js";
import { summaryOf } from "../footprint/words.js";
import { describeStep } from "../report/lines.js";
import { openCounterexample } from "./open-counterexample.js";

export interface ExplainFlags {
  readonly postgres?: string;
  readonly model?: string;
  readonly json?: boolean;
}

/** `raceproof explain FILE STEP STEP` */
export async function explainCommand(
  file: string,
  numbers: readonly [number, number],
  flags: ExplainFlags,
): Promise<number> {
  const { counterexample, model } = await openCounterexample(file, flags.model);
  const { steps, reason } = await explainSteps(model, counterexample, numbers, flags.postgres);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ file, steps: steps.map(brief), reason }, null, 2)}\n`
      : `${[...steps.map(described), verdictOf(reason)].join("\n")}\n`,
  );
  return exitCode.ok;
}

function brief({ step, footprint }: ExplainedStep) {
  return { step: step.index + 1, session: step.session, text: step.text, footprint: summaryOf(footprint) };
}

function described({ step, footprint }: ExplainedStep): string {
  return `step ${step.index + 1}, ${describeStep(step)}\n  ${summaryOf(footprint)}`;
}

function verdictOf(reason: string | null): string {
  return reason === null
    ? "They commute: both orders give the same answers and the same state."
    : `They conflict: ${reason}.`;
}
