import { UsageError } from "../errors.js";
import { partsOf } from "../execution/model.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { timelineOf } from "../strategy/timeline.js";
import { timelineLiteral } from "./timeline-literal.js";
import { toStableJson } from "./stable-json.js";

/**
 * A counterexample as a test to paste: its program and its order of steps as literals that a person can edit. It fails as
 * long as the code breaks so.
 *
 * @throws {UsageError} Where an actor has several connections at once, whose steps legs cannot tell apart.
 */
export function toTest(counterexample: Counterexample): string {
  const { model, implementation, condition, violations, program, trace } = counterexample;
  if (timelineOf(trace.steps) === undefined)
    throw new UsageError(
      "an actor of this counterexample has several connections at once, and a timeline cannot tell their steps apart; raceproof replay runs it",
    );
  const { isolation } = partsOf(condition);
  const indented = (text: string) => text.replaceAll("\n", "\n    ");
  return [
    'import { playTimeline } from "raceproof";',
    'import { expect, test } from "vitest";',
    `import model from ${JSON.stringify(importOf(model))};`,
    "",
    `test(${JSON.stringify(`${implementation}: ${violations.map(({ message }) => message).join("; ")}`)}, async () => {`,
    "  const { violations } = await playTimeline(model, {",
    `    implementation: ${JSON.stringify(implementation)},`,
    ...(isolation === "read committed" ? [] : [`    isolation: ${JSON.stringify(isolation)},`]),
    `    program: ${indented(toStableJson(program))},`,
    `    ${indented(timelineLiteral(counterexample))},`,
    "  });",
    "  expect(violations).toEqual([]);",
    "});",
    "",
  ].join("\n");
}

/** Where the model is, seen from the folder in which it was found. */
function importOf({ name, module }: Counterexample["model"]): string {
  if (module === null) return `raceproof/models/${name}/model.js`;
  return /^\.{0,2}\//.test(module) ? module : `./${module}`;
}
