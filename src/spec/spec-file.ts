/** A spec file as PostgreSQL's isolationtester reads it (src/test/isolation/README in its sources). */
export interface SpecFile {
  /** Each block is one submission, in this order, before every permutation. */
  readonly setups: readonly string[];
  readonly teardown: string | undefined;
  readonly sessions: readonly SpecSession[];
  /** As listed; empty when every interleaving is asked for. */
  readonly permutations: readonly Permutation[];
}

export interface SpecSession {
  readonly name: string;
  readonly setup: string | undefined;
  readonly steps: readonly SpecStep[];
  readonly teardown: string | undefined;
}

export interface SpecStep {
  readonly name: string;
  /** Name of the session that runs it. */
  readonly session: string;
  /** Sent as it is, in one message, however many statements it holds. */
  readonly sql: string;
}

/** In which order steps are launched. */
export type Permutation = readonly PermutationStep[];

export interface PermutationStep {
  readonly step: SpecStep;
  /** What must have come true before its completion is reported. */
  readonly markers: readonly Marker[];
}

export type Marker =
  /** `(*)`: reported as waiting as soon as it is launched. */
  | { readonly kind: "once" }
  /** `(other)`: not before that step is no longer active. */
  | { readonly kind: "step"; readonly step: SpecStep }
  /** `(other notices n)`: not before that step's session has sent so many notices since the launch. */
  | { readonly kind: "notices"; readonly step: SpecStep; readonly count: number };
