import type { FaultKind } from "../strategy/fault.js";

/** Plain data: what JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One operation with its parameters, as an actor is to run it. */
export interface OperationCall<Parameters = Json> {
  /** A key of the model's `operations`. */
  readonly operation: string;
  readonly parameters: Parameters;
}

/** Who runs operations, one after the other. */
export interface Actor<Parameters = Json> {
  readonly name: string;
  readonly operations: readonly OperationCall<Parameters>[];
}

/** Something that may go wrong for an actor, once. The schedule says whether it does, and at which step. */
export interface Fault {
  readonly actor: string;
  readonly kind: FaultKind;
}

/** What is executed: the initial state, each actor's operations, and what may go wrong. */
export interface Program<Initial = Json, Parameters = Json> {
  readonly initial: Initial;
  readonly actors: readonly Actor<Parameters>[];
  /** Each happens at most once. Left out where nothing may go wrong. */
  readonly faults?: readonly Fault[];
}
