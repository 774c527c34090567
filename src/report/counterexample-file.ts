import { createHash } from "node:crypto";

import type { CallRecord, OperationRecord, OperationResult, Step, Trace } from "../execution/trace.js";
import type { Schedule } from "../strategy/schedule.js";
import type { Counterexample } from "../shrink/counterexample.js";
import type { Size } from "../shrink/size.js";
import { checkCounterexample } from "./counterexample-check.js";
import { toStableJson } from "./stable-json.js";

/**
 * The counterexample as the text of a file, `raceproof/counterexample@1`. The same counterexample always gives the same
 * text: keys come in one order, and what is short stands on one line, for reading and for `git diff`.
 */
export function writeCounterexample(counterexample: Counterexample): string {
  return `${toStableJson(ordered(counterexample))}\n`;
}

/**
 * Reads what {@link writeCounterexample} wrote. Keys it does not know are left alone.
 *
 * @param fileName for messages
 * @throws UsageError when the text is cut off or not JSON, of another schema, or misses something; it names the place
 */
export function readCounterexample(text: string, fileName: string): Counterexample {
  return checkCounterexample(text, fileName);
}

/** Longest names of model and implementation, and slug of the signature, in a file name. */
const longest = { name: 40, signature: 80 };

/**
 * `<model>.<implementation>.<condition>.<signature>.json`, without the condition where it is the usual one, in characters that are safe in file names everywhere. When something
 * had to be cut or replaced, a short hash of the full names keeps it unique.
 */
export function counterexampleFileName({
  model,
  implementation,
  condition,
  signature,
}: Pick<Counterexample, "model" | "implementation" | "condition" | "signature">): string {
  const slugs = [
    slug(model.name, longest.name),
    slug(implementation, longest.name),
    ...(condition === "read committed" ? [] : [slug(condition, longest.name)]),
    slug(signature, longest.signature),
  ];
  // A name counts as it is; of a signature, what separates its words may be replaced.
  const faithful =
    slugs[0] === model.name &&
    slugs[1] === implementation &&
    /^[\w :;,=-]+$/u.test(signature) &&
    slug(signature, Infinity) === slugs.at(-1);
  return `${unique(slugs, faithful, [model.name, implementation, condition, signature])}.json`;
}

/** `<model>.verdict.md`, made in the same way. */
export function verdictFileName(model: string): string {
  const name = slug(model, longest.name);
  return `${unique([name], name === model, [model])}.verdict.md`;
}

function unique(slugs: readonly string[], faithful: boolean, names: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 8);
  return [...slugs, ...(faithful ? [] : [hash])].join(".");
}

function slug(name: string, limit: number): string {
  const safe = name.replace(/[^\w]+/gu, "-").replace(/^-+|-+$/gu, "");
  return safe.slice(0, limit).replace(/-+$/u, "") || "unnamed";
}

/** The same data with its keys in the order in which the types declare them; what models fill in keeps its own order. */
function ordered(counterexample: Counterexample): unknown {
  const { schema, model, implementation, condition, signature, violations, program, schedule, trace } = counterexample;
  const { shrink, confirmed, environment } = counterexample;
  const { raceproof, postgres } = environment;
  return {
    schema,
    model: { name: model.name, module: model.module },
    implementation,
    condition,
    signature,
    violations: violations.map(({ invariant, way, message, after }) => ({
      invariant,
      way,
      message,
      ...(after === undefined ? {} : { after }),
    })),
    program: {
      initial: program.initial,
      actors: program.actors.map(({ name, operations }) => ({
        name,
        operations: operations.map(({ operation, parameters }) => ({ operation, parameters })),
      })),
      ...(program.faults === undefined ? {} : { faults: program.faults.map(({ actor, kind }) => ({ actor, kind })) }),
    },
    schedule: orderedSchedule(schedule),
    trace: orderedTrace(trace),
    shrink: {
      to: orderedSize(shrink.to),
      ...(shrink.minimality && { minimality: { kind: shrink.minimality.kind, runs: shrink.minimality.runs } }),
    },
    confirmed: { reproduced: confirmed.reproduced, times: confirmed.times },
    environment: {
      raceproof,
      postgres: { version: postgres.version, kind: postgres.kind, settings: postgres.settings },
    },
  };
}

function orderedSchedule(schedule: Schedule): Schedule {
  return schedule.map(({ step, to, fault }) => ({ step, to, ...(fault === undefined ? {} : { fault }) }));
}

function orderedSize({ actors, operations, faults, preemptions, switches, steps }: Size): Size {
  return { actors, operations, faults, preemptions, switches, steps };
}

function orderedTrace({ steps, operations, calls, schedule, state, displayBefore }: Trace): Trace {
  return {
    steps: steps.map(orderedStep),
    operations: operations.map(orderedOperation),
    ...(calls === undefined ? {} : { calls: calls.map(orderedCall) }),
    schedule: orderedSchedule(schedule),
    state,
    ...(displayBefore === undefined ? {} : { displayBefore }),
  };
}

function orderedStep(step: Step): Step {
  const { index, actor, session, operation, kind, fault, text, values, outcome, wait, transaction, display } = step;
  return {
    index,
    actor,
    session,
    operation,
    kind,
    ...(fault === undefined ? {} : { fault }),
    text,
    values,
    outcome: orderedOutcome(outcome),
    wait: wait === null ? null : { holders: wait.holders, lock: wait.lock, on: wait.on, until: wait.until },
    transaction,
    ...(display === undefined ? {} : { display }),
  };
}

function orderedOutcome(outcome: Step["outcome"]): Step["outcome"] {
  if (outcome.kind === "passed") return { kind: "passed" };
  if (outcome.kind === "error") return { kind: "error", code: outcome.code, message: outcome.message };
  const { kind, command, rowCount, rows } = outcome;
  return { kind, command, rowCount, ...(rows === undefined ? {} : { rows }) };
}

function orderedCall({ actor, operation, name, parameters, begin, end, result }: CallRecord): CallRecord {
  return { actor, operation, name, parameters, begin, end, result: orderedResult(result) };
}

function orderedOperation({ actor, index, operation, parameters, steps, result }: OperationRecord): OperationRecord {
  return { actor, index, operation, parameters, steps, result: orderedResult(result) };
}

function orderedResult(result: OperationResult): OperationResult {
  if ("returned" in result) return { returned: result.returned };
  if ("crashed" in result) return { crashed: true };
  const { name, message, code } = result.threw;
  return { threw: { name, message, code } };
}
