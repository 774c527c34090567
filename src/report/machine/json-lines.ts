import { casesOf } from "../cases.js";
import { decisivePlace } from "../place.js";
import type { Report } from "../report.js";
import { inert } from "../stable-json.js";
import { reasonsOf, sentenceText, whyOf } from "../why.js";

/**
 * One JSON object on each line: `case` for each implementation, condition and invariant, `counterexample` for each one that
 * was found, and `verdict` at the end.
 */
export function renderJsonLines(report: Report): string {
  const { verdict, counterexamples } = report;
  const objects = [
    ...casesOf(report).map(({ implementation, condition, invariant, outcome, message, told }) => {
      return { type: "case", implementation, condition, invariant, outcome, message, file: told?.file ?? null };
    }),
    ...counterexamples.map(({ counterexample, file, replayCommand }) => {
      const { implementation, condition, signature, violations, shrink, confirmed } = counterexample;
      const reasons = whyOf(counterexample);
      const why = reasonsOf(reasons).map(sentenceText);
      const proof = reasons.proof.map(sentenceText);
      const place = decisivePlace(counterexample) ?? null;
      return {
        type: "counterexample",
        implementation,
        condition,
        signature,
        violations,
        size: shrink.to,
        confirmed,
        why,
        proof,
        place,
        file,
        replay: replayCommand,
      };
    }),
    ...(verdict === null
      ? []
      : [
          {
            type: "verdict",
            model: verdict.model,
            asExpected: verdict.asExpected,
            interrupted: verdict.interrupted,
            seed: verdict.seed,
            seconds: verdict.seconds,
          },
        ]),
  ];
  return objects.map((object) => `${inert(JSON.stringify(object))}\n`).join("");
}
