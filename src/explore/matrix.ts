import { partsOf, type Claim, type Condition } from "../execution/model.js";
import { forAMoment } from "../oracle/judge.js";
import type { ImplementationVerdict, Verdict, VerdictFile, ViolationReport } from "./verdict.js";

/** One implementation and one invariant, under one condition. */
export interface MatrixCell {
  readonly verdict: Verdict;
  /** The smallest counterexample that breaks it; null when none does. */
  readonly smallest: ViolationReport | null;
  /** Whether it was only ever broken for a moment, and whole again in the end. */
  readonly moment: boolean;
}

/** What a row of a verdict says of one invariant. */
export function cellOf(row: ImplementationVerdict, invariant: string): MatrixCell {
  const breaking = row.violations.filter(({ violations }) => violations.some((each) => each.invariant === invariant));
  const [smallest] = breaking.toSorted(
    (a, b) => a.operations - b.operations || a.faults - b.faults || a.switches - b.switches || a.steps - b.steps,
  );
  if (smallest === undefined) {
    // That others broke does not say that this one would not have, had the run come to its end.
    const told = row.verdict !== "inconclusive" && row.problems.length === 0;
    return { verdict: told ? "holds" : "inconclusive", smallest: null, moment: false };
  }
  const ways = breaking.flatMap(({ violations }) => violations.filter((each) => each.invariant === invariant));
  return { verdict: "violates", smallest, moment: ways.every(({ way }) => way.endsWith(forAMoment)) };
}

/** A claim, and what the runs say of it. */
export interface JudgedClaim extends Claim {
  /** `violates` when any of its invariants broke: then the claim is false. `holds` is as far as the coverage goes. */
  readonly verdict: Verdict;
  /** What broke: the smallest counterexample for each invariant. */
  readonly broken: readonly {
    readonly implementation: string;
    readonly invariant: string;
    readonly condition: Condition;
    readonly operations: number;
    readonly faults: number;
    readonly switches: number;
    readonly counterexample: string | null;
  }[];
}

/** Judges a claim by the rows that it is about; undefined when none of them was run. */
export function judgeClaim(
  claim: Claim,
  { implementations }: Pick<VerdictFile, "implementations">,
): JudgedClaim | undefined {
  const rows = implementations.filter(
    ({ name, condition }) =>
      claim.implementations.includes(name) && (claim.conditions?.includes(condition) ?? !partsOf(condition).faults),
  );
  if (rows.length === 0) return undefined;
  const broken = claim.invariants.flatMap((invariant) => {
    // Without faults first: what breaks without them needs none.
    const first = rows
      .toSorted((a, b) => Number(partsOf(a.condition).faults) - Number(partsOf(b.condition).faults))
      .find((row) => cellOf(row, invariant).smallest !== null);
    if (first === undefined) return [];
    const { operations, faults, switches, counterexample } = cellOf(first, invariant).smallest!;
    return [
      {
        implementation: first.name,
        invariant,
        condition: first.condition,
        operations,
        faults,
        switches,
        counterexample,
      },
    ];
  });
  const untold = rows.some((row) => claim.invariants.some((name) => cellOf(row, name).verdict === "inconclusive"));
  return { ...claim, verdict: broken.length > 0 ? "violates" : untold ? "inconclusive" : "holds", broken };
}
