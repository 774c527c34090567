import type { ImplementationVerdict, VerdictFile } from "../../src/explore/verdict.js";
import type { Report } from "../../src/report/report.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";
import { green } from "./verdict-fixtures.js";

/** A verdict that did not expect any of these counterexamples, and one implementation that holds. */
export function reportOf(counterexamples: Readonly<Record<string, Counterexample>>): Report {
  const all = Object.entries(counterexamples);
  const [whole] = green.implementations;
  const invariants = [...new Set(all.flatMap(([, { violations }]) => violations.map(({ invariant }) => invariant)))];
  const rows = all.map(([name, counterexample]): ImplementationVerdict => {
    const { signature, violations, shrink } = counterexample;
    const { operations, faults, steps, switches } = shrink.to;
    const report = {
      signature,
      violations,
      operations,
      faults,
      steps,
      switches,
      seen: 12,
      counterexample: fileOf(name),
    };
    return {
      ...whole!,
      name: counterexample.implementation,
      condition: counterexample.condition,
      expected: "holds",
      verdict: "violates",
      asExpected: false,
      violations: [report],
    };
  });
  const verdict: VerdictFile = {
    ...green,
    asExpected: false,
    invariants: invariants.map((name) => ({ name, when: "quiescence" })),
    implementations: [...rows, whole!],
  };
  const told = all.map(([name, counterexample]) => ({
    counterexample,
    file: fileOf(name),
    replayCommand: `npx raceproof replay ${fileOf(name)}`,
  }));
  return { verdict, counterexamples: told };
}

function fileOf(name: string): string {
  return `reports/${name}.json`;
}
