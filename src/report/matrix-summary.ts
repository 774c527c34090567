import { partsOf, type Condition } from "../execution/model.js";
import { cellOf, type JudgedClaim } from "../explore/matrix.js";
import type { ImplementationVerdict, VerdictFile } from "../explore/verdict.js";
import { count, enumerate, oneLine, visible } from "./text.js";
import { sizeText } from "./timeline.js";

/** A cell of the matrix in words. */
export interface CellSummary {
  readonly verdict: "holds" | "violates" | "inconclusive";
  /** `2·1·3`: operations, faults and switches of the smallest counterexample; empty where nothing broke. */
  readonly size: string;
  /** The same in words, with what a verdict rests on where it holds. */
  readonly text: string;
  readonly file: string | null;
}

export interface MatrixRow {
  readonly implementation: string;
  readonly condition: string;
  readonly claim: string;
  readonly cells: readonly CellSummary[];
}

/** Implementations × invariants, in words. */
export interface MatrixSummary {
  /** Names of the invariants; those that are checked after every COMMIT say so. */
  readonly invariants: readonly string[];
  readonly rows: readonly MatrixRow[];
}

export interface ClaimSummary {
  readonly topic: string;
  /** Empty when the model does not say. */
  readonly where: string;
  readonly implementations: string;
  readonly verdict: "holds" | "violates" | "inconclusive";
  /** What broke, or what it rests on. */
  readonly text: string;
}

/**
 * The matrix of a verdict; null when there is only one row, which the verdict itself tells all about.
 *
 * @param always Whether one row is a matrix, too.
 */
export function matrixSummaryOf(
  { invariants, implementations }: VerdictFile,
  { always } = { always: false },
): MatrixSummary | null {
  if (implementations.length < (always ? 1 : 2)) return null;
  return {
    invariants: invariants.map(({ name, when }) =>
      oneLine(when === "every commit" ? `${name} (after every COMMIT)` : name),
    ),
    rows: implementations.map((row) => ({
      implementation: visible(row.name),
      condition: shortCondition(row.condition, implementations),
      claim: oneLine(row.claim),
      cells: invariants.map(({ name }) => cellSummary(row, name)),
    })),
  };
}

/** Without the isolation level where all have the usual one. */
function shortCondition(condition: Condition, all: readonly ImplementationVerdict[]): string {
  if (all.some((row) => partsOf(row.condition).isolation !== "read committed")) return condition;
  return partsOf(condition).faults ? "with faults" : "without faults";
}

function cellSummary(row: ImplementationVerdict, invariant: string): CellSummary {
  const { verdict, smallest, moment } = cellOf(row, invariant);
  if (smallest === null) {
    const text = verdict === "holds" ? `holds in ${count(row.executions, "execution")}` : "could not be told";
    return { verdict, size: "", text, file: null };
  }
  const { operations, faults, switches, counterexample } = smallest;
  return {
    verdict,
    size: `${operations}·${faults}·${switches}${moment ? "~" : ""}`,
    text: `violates${moment ? " for a moment" : ""}: ${sizeText(smallest)}`,
    file: counterexample === null ? null : visible(counterexample),
  };
}

/** The model's claims, each with what the runs say of it. */
export function claimSummariesOf({ claims }: VerdictFile): ClaimSummary[] {
  return claims.map((claim) => ({
    topic: oneLine(claim.topic),
    where: oneLine(claim.where ?? ""),
    implementations: enumerate(claim.implementations.map((name) => visible(name))),
    verdict: claim.verdict,
    text:
      claim.broken.length === 0
        ? unbroken(claim)
        : claim.broken.map((each) => brokenText(each, claim.implementations.length > 1)).join("; "),
  }));
}

function unbroken({ verdict }: JudgedClaim): string {
  return verdict === "holds" ? "nothing broke it, as far as the verdicts go" : "could not be told";
}

function brokenText(broken: JudgedClaim["broken"][number], several: boolean): string {
  const { implementation, invariant, condition, operations, faults, switches } = broken;
  const size = [
    count(operations, "operation"),
    ...(faults === 0 ? [] : [count(faults, "fault")]),
    `${switches} switch${switches === 1 ? "" : "es"}`,
    ...(partsOf(condition).isolation === "read committed" ? [] : [condition]),
    ...(several ? [visible(implementation)] : []),
  ];
  return `"${oneLine(invariant)}" (${size.join(", ")})`;
}
