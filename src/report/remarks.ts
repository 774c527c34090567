import type { Counterexample } from "../shrink/counterexample.js";
import type { Line, Span } from "./lines.js";
import { oneLine } from "./text.js";

/** What is to be said of single steps beside what they did, by their indices: what turned out stale, and what broke there. */
export function remarksOf({ trace, explanation, violations }: Counterexample): Map<number, Line[]> {
  const remarks = new Map<number, Line[]>();
  const add = (step: number, text: string, role: Span["role"]) => {
    if (trace.steps[step] === undefined) return;
    remarks.set(step, [...(remarks.get(step) ?? []), { kind: "remark", chunks: [[{ text, role }]] }]);
  };
  for (const { read, since, used } of explanation?.stale ?? []) {
    add(read, `⚠ stale since step ${since + 1}`, "stale");
    add(used, `⚠ written after the stale read of step ${read + 1}`, "stale");
  }
  for (const { invariant, way, after } of violations)
    if (after !== undefined) add(after, `✗ ${oneLine(invariant)} (${oneLine(way)})`, "error");
  return remarks;
}
