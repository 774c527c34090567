/** fast-check, as raceproof uses it: arbitraries for parameters and initial states. */
export { default as fc } from "fast-check";
export { PostgresError, RaceproofError, UsageError } from "./errors.js";
export { defineModel } from "./execution/model.js";
export type {
  Broken,
  Expectation,
  Implementation,
  Invariant,
  Model,
  Operation,
  OperationContext,
  Rows,
  State,
} from "./execution/model.js";
export type { Actor, Json, OperationCall, Program } from "./execution/program.js";
export type { OperationRecord, Outcome, Step, Thrown, Trace, Wait } from "./execution/trace.js";
export { yieldPoint } from "./session/yield-point.js";
export type { Schedule, Switch } from "./strategy/schedule.js";
