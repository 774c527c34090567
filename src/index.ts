/** fast-check, as raceproof uses it: arbitraries for parameters and initial states. */
export { default as fc } from "fast-check";
export { PostgresError, RaceproofError, UsageError } from "./errors.js";
export { defineModel } from "./execution/model.js";
export type {
  Broken,
  Call,
  Claim,
  Condition,
  EmptyDatabase,
  Expectation,
  Implementation,
  Invariant,
  InvariantContext,
  Model,
  Operation,
  OperationContext,
  Reference,
  Rows,
  State,
} from "./execution/model.js";
export type { Actor, Fault, Json, OperationCall, Program } from "./execution/program.js";
export type {
  CallRecord,
  OperationRecord,
  OperationResult,
  Outcome,
  Step,
  Thrown,
  Trace,
  Wait,
} from "./execution/trace.js";
export { defineConfig, type Config } from "./config/config.js";
export { check } from "./check/check.js";
export type { CheckOptions, CheckProgress, CheckResult } from "./check/options.js";
export { merge } from "./check/merge.js";
export type { ShardResult } from "./check/shards.js";
export { recallAll, type RecallOptions } from "./check/recall-all.js";
export type { Remembered } from "./check/remembered.js";
export { replayCounterexample, type ReplayOptions, type ReplayResult } from "./replay.js";
export {
  playScenarios,
  playTimeline,
  type Ending,
  type Played,
  type PlayOptions,
  type Scenario,
  type Timeline,
} from "./scenario.js";
export type { Shard } from "./explore/strands.js";
export type {
  Coverage,
  ImplementationVerdict,
  FailureRecord,
  RememberedReport,
  ShardFindings,
  ShardRecord,
  Verdict,
  VerdictFile,
  ViolationReport,
} from "./explore/verdict.js";
export { gatePg } from "./session/pg.js";
export type { Counterexample } from "./shrink/counterexample.js";
export type { Metrics } from "./strategy/metrics.js";
export type { Leg } from "./strategy/pinned.js";
export { readCounterexample, writeCounterexample } from "./report/counterexample-file.js";
export { renderHtml } from "./report/html/page.js";
export type { Report, Told } from "./report/report.js";
export type { Explanation } from "./explanation/explanation.js";
export { renderCounterexampleMarkdown } from "./report/markdown.js";
export { renderCounterexampleTerminal } from "./report/terminal.js";
export { renderVerdictMarkdown } from "./report/verdict-markdown.js";
export { renderVerdictTerminal } from "./report/verdict-terminal.js";
export { assertNoRace, type FullFormOptions, type RaceOptions, type RaceResult } from "./testing/assert-no-race.js";
export { modelOfCommands, type CommandRace, type CommandWorld } from "./testing/commands.js";
export { RaceError } from "./testing/failure.js";
export type { Act, ActContext, Look, LookContext, Race, Result, Results } from "./testing/race.js";
export { yieldPoint } from "./session/yield-point.js";
export type { FaultKind } from "./strategy/fault.js";
export type { Schedule, Switch } from "./strategy/schedule.js";
