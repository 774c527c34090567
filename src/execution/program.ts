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

/** What is executed: the initial state plus each actor's operations. */
export interface Program<Initial = Json, Parameters = Json> {
  readonly initial: Initial;
  readonly actors: readonly Actor<Parameters>[];
}
