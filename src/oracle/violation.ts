/** A broken invariant in one execution. */
export interface Violation {
  /** The invariant's name in the model. */
  readonly invariant: string;
  /** In which way it broke; two ways of breaking one invariant are two bugs. One or a few words, no numbers. */
  readonly way: string;
  /** With the actual numbers, for people. */
  readonly message: string;
  /** Of what was broken for a moment only: index of the step after which an outside reader could first see it. */
  readonly after?: number;
}

/** What a set of violations has in common with others of the same bug: which invariants broke, in which way. */
export function signatureOf(violations: readonly Violation[]): string {
  return [...new Set(violations.map(wayOf))].toSorted().join("; ");
}

/** One way of breaking, as a target for shrinking. */
export function wayOf({ invariant, way }: Pick<Violation, "invariant" | "way">): string {
  return `${invariant}: ${way}`;
}
