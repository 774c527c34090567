/** Plain data: what JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One operation with its parameters, as an actor is to run it. */
export interface OperationCall {
  /** A key of the model's `operations`. */
  readonly operation: string;
  readonly parameters: Json;
}

/** Who runs operations, one after the other. */
export interface Actor {
  readonly name: string;
  readonly operations: readonly OperationCall[];
}

/** What is executed: the initial state plus each actor's operations. */
export interface Program {
  readonly initial: Json;
  readonly actors: readonly Actor[];
}
