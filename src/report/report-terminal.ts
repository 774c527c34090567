import type { VerdictFile } from "../explore/verdict.js";
import type { Report, Told } from "./report.js";
import { renderCounterexampleTerminal, type TerminalOptions } from "./terminal.js";
import { renderVerdictTerminal } from "./verdict-terminal.js";

/** More timelines than this are shown only of what nobody expected. */
const few = 6;

/** The timelines that are worth a screen each, and the verdict below them, where the eye is at the end. */
export function renderReportTerminal({ verdict, counterexamples }: Report, look: TerminalOptions): string {
  const shown = verdict === null ? counterexamples : timelinesOf(verdict, counterexamples);
  const timelines = shown.map(
    ({ counterexample, replayCommand }) =>
      `${renderCounterexampleTerminal(counterexample, { ...look, replayCommand })}\n\n`,
  );
  return timelines.join("") + (verdict === null ? "" : `${renderVerdictTerminal(verdict, look)}\n`);
}

/** All while they are few, and else those that nobody expected. Files have them all. */
function timelinesOf({ implementations }: VerdictFile, counterexamples: readonly Told[]): readonly Told[] {
  if (counterexamples.length <= few) return counterexamples;
  return counterexamples.filter(({ counterexample: { implementation, condition } }) =>
    implementations.some((row) => row.name === implementation && row.condition === condition && !row.asExpected),
  );
}
