import { failuresOf, type Case } from "../cases.js";
import { describeStep } from "../lines.js";
import { decisivePlace } from "../place.js";
import type { Report } from "../report.js";
import { cut, oneLine, visible } from "../text.js";
import { summaryOf } from "../verdict-summary.js";
import { confirmedText, reasonsOf, sentenceText, whyOf } from "../why.js";

/** Failures told in full; of the others there is only the number. */
const told = 5;
/** Steps of one that are shown. */
const steps = 30;

/**
 * For a coding agent, whose every line costs: failures only, each with what broke, why, where in the code, the steps on a
 * line each, and the one command that replays it. When all is as expected, one line.
 */
export function renderAgent(report: Report): string {
  const failures = failuresOf(report);
  const conclusion = report.verdict === null ? "" : summaryOf(report.verdict).conclusion;
  const lines = [
    `raceproof ${report.verdict?.model ?? ""}: ${failures.length === 0 ? "ok" : `${failures.length} failed`}. ${conclusion}`,
    ...failures.slice(0, told).flatMap(failureLines),
    ...(failures.length > told ? [`and ${failures.length - told} more`] : []),
  ];
  return lines.map((line) => `${visible(line)}\n`).join("");
}

function failureLines({ implementation, condition, invariant, message, told }: Case): string[] {
  const head = `FAIL ${oneLine(implementation)} [${condition}] ${oneLine(invariant)}: ${cut(oneLine(message), 400)}`;
  if (told === undefined) return [head];
  const { counterexample, replayCommand } = told;
  const why = whyOf(counterexample);
  const proof = [confirmedText(counterexample), ...why.proof.map(sentenceText)];
  const place = decisivePlace(counterexample);
  const all = counterexample.trace.steps;
  return [
    head,
    ...reasonsOf(why).map((sentence) => `  why: ${sentenceText(sentence)}`),
    ...(place === undefined ? [] : [`  at: ${place.file}:${place.line}`]),
    ...all.slice(0, steps).map((step) => `  ${step.index + 1} ${cut(describeStep(step), 160)}`),
    ...(all.length > steps ? [`  … ${all.length - steps} more steps`] : []),
    `  proof: ${cut(proof.join(" "), 600)}`,
    `  replay: ${replayCommand}`,
  ];
}
