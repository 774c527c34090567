import type { Condition, Expectation } from "../execution/model.js";
import { cellOf } from "../explore/matrix.js";
import type { ImplementationVerdict, VerdictFile, ViolationReport } from "../explore/verdict.js";
import type { Report, Told } from "./report.js";
import { count, enumerate, oneLine } from "./text.js";

/** One implementation under one condition and one invariant: what CI calls a test case. */
export interface Case {
  readonly implementation: string;
  readonly condition: Condition;
  readonly invariant: string;
  /** Whether it came out as it was to; what could not be told is an error. */
  readonly outcome: "passed" | "failed" | "error";
  /** What happened, in a sentence. */
  readonly message: string;
  /** The counterexample that shows it best; undefined where nothing broke, or it is not at hand. */
  readonly told: Told | undefined;
  /** Of its row, in seconds; a row's cases share them. */
  readonly seconds: number;
}

/** The cases of a verdict, row by row. Pure. */
export function casesOf({ verdict, counterexamples }: Report): Case[] {
  if (verdict === null) return [];
  const names = verdict.invariants.map(({ name }) => name);
  const cases = verdict.implementations.flatMap((row) => {
    const cases = names.map((invariant) => caseOf(row, invariant, names.length, counterexamples));
    const isTold = row.asExpected || cases.some(({ outcome }) => outcome !== "passed");
    return isTold ? cases : [...cases, wholeRow(row)];
  });
  // What was cut short must not look as if all had been well.
  const isTold = verdict.asExpected || (!verdict.interrupted && cases.some(({ outcome }) => outcome !== "passed"));
  return isTold ? cases : [...cases, wholeCheck(verdict)];
}

/** Those that did not come out as they were to, one for each counterexample: it breaks several invariants at once. */
export function failuresOf(report: Report): Case[] {
  const seen = new Set<Told>();
  return casesOf(report).filter(({ outcome, told }) => {
    if (outcome === "passed") return false;
    if (told === undefined) return true;
    const isNew = !seen.has(told);
    seen.add(told);
    return isNew;
  });
}

function caseOf(row: ImplementationVerdict, invariant: string, of: number, counterexamples: readonly Told[]): Case {
  const { verdict, smallest } = cellOf(row, invariant);
  const wanted = wantedOf(row.expected, invariant);
  const broken = smallest === null ? "" : messageOf(smallest, invariant);
  const base = { implementation: row.name, condition: row.condition, invariant, seconds: row.seconds / of };
  const told = smallest === null ? undefined : toldOf(smallest, row, counterexamples);
  if (verdict === "violates")
    return wanted === "holds"
      ? { ...base, outcome: "failed", message: broken, told }
      : { ...base, outcome: "passed", message: `broken, as expected: ${broken}`, told };
  if (wanted === "violates") {
    const message = `expected to be broken, and nothing broke it in ${count(row.executions, "execution")}: the check has lost its teeth`;
    return { ...base, outcome: row.verdict === "inconclusive" ? "error" : "failed", message, told };
  }
  if (verdict === "inconclusive") {
    const reasons = row.problems.map(({ message }) => oneLine(message));
    const message = `could not be told${reasons.length === 0 ? "" : `: ${reasons.join("; ")}`}`;
    return { ...base, outcome: row.asExpected ? "passed" : "error", message, told };
  }
  return { ...base, outcome: "passed", message: `holds: ${oneLine(row.claim)}`, told };
}

/** What is recorded of one invariant; `any` where nothing is. */
function wantedOf(expected: Expectation | null, invariant: string): "holds" | "violates" | "any" {
  if (expected === null) return "any";
  if (typeof expected === "string") return expected === "holds" ? "holds" : "any";
  return expected.violates.includes(invariant) ? "violates" : "holds";
}

function messageOf({ violations }: ViolationReport, invariant: string): string {
  const own = violations.filter((each) => each.invariant === invariant);
  return enumerate(own.map(({ message, way }) => oneLine(`${message} (${way})`)));
}

function toldOf(
  { counterexample: file, signature }: ViolationReport,
  { name, condition }: ImplementationVerdict,
  counterexamples: readonly Told[],
): Told | undefined {
  const byFile = counterexamples.find((told) => file !== null && told.file === file);
  return (
    byFile ??
    counterexamples.find(
      ({ counterexample }) =>
        counterexample.implementation === name &&
        counterexample.condition === condition &&
        counterexample.signature === signature,
    )
  );
}

/** What none of the rows tells. */
function wholeCheck({ model, interrupted }: VerdictFile): Case {
  return {
    implementation: model,
    condition: "read committed",
    invariant: "the check comes to its end",
    outcome: "error",
    message: interrupted ? "interrupted: what is here was found until then" : "not as expected",
    told: undefined,
    seconds: 0,
  };
}

/** What none of its invariants tells. */
function wholeRow({ name, condition, verdict, seconds, problems }: ImplementationVerdict): Case {
  const reasons = problems.map(({ message }) => oneLine(message)).join("; ");
  return {
    implementation: name,
    condition,
    invariant: "as expected",
    outcome: verdict === "inconclusive" ? "error" : "failed",
    message: `the verdict is ${verdict}, and not what was expected${reasons === "" ? "" : `: ${reasons}`}`,
    told: undefined,
    seconds,
  };
}
