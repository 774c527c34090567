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
    ({ name, condition }) => name === claim.implementation && (claim.conditions?.includes(condition) ?? true),
  );
  if (rows.length === 0) return undefined;
  const broken = claim.invariants.flatMap((invariant) => {
    const cells = rows.map((row) => ({ condition: row.condition, smallest: cellOf(row, invariant).smallest }));
    // Without faults first: what breaks without them needs none.
    const found = cells.toSorted((a, b) => Number(partsOf(a.condition).faults) - Number(partsOf(b.condition).faults));
    const first = found.find(({ smallest }) => smallest !== null);
    if (first?.smallest == null) return [];
    const { operations, faults, switches, counterexample } = first.smallest;
    return [{ invariant, condition: first.condition, operations, faults, switches, counterexample }];
  });
  const untold = rows.some((row) => claim.invariants.some((name) => cellOf(row, name).verdict === "inconclusive"));
  return { ...claim, verdict: broken.length > 0 ? "violates" : untold ? "inconclusive" : "holds", broken };
}
