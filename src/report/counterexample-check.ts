import { UsageError } from "../errors.js";
import { conditions } from "../execution/model.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { faultKinds } from "../strategy/fault.js";
import { brief, cut, visible } from "./text.js";

/** Says what is wrong with the value at a path, by throwing; returns when nothing is. */
type Check = (value: unknown, path: string) => void;

/** Something is wrong at a path of the file. */
class Mismatch extends Error {}

const schemaName = "raceproof/counterexample";

/**
 * Parses and checks the text of a counterexample file.
 *
 * @throws UsageError naming the file, the place in it and what was expected there
 */
export function checkCounterexample(text: string, fileName: string): Counterexample {
  const file = visible(fileName);
  const value = parsed(text, file);
  checkSchema(value, file);
  try {
    counterexample(value, "");
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new UsageError(`${file} is no counterexample that can be replayed: ${error.message}`);
  }
  return value as Counterexample;
}

/**
 * Checks what a shard's file says of what it found in its rows.
 *
 * @param path Where in the file it stands.
 * @throws UsageError naming the file, the place in it and what was expected there
 */
export function checkFindings(value: unknown, path: string, fileName: string): void {
  try {
    list(findings)(value, path);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new UsageError(`${visible(fileName)} is damaged: ${error.message}`);
  }
}

function parsed(text: string, file: string): unknown {
  if (text.trim() === "") throw new UsageError(`${file} is empty: expected a ${schemaName}@1`);
  try {
    return JSON.parse(text.replace(/^\ufeff/u, ""));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} is cut off or not JSON: ${cut(visible(reason), 200)}${placeOf(reason, text)}`);
  }
}

/** Where parsing stopped, in lines and columns; V8 tells the position, unless it is the end. */
function placeOf(reason: string, text: string): string {
  if (/line \d/u.test(reason)) return "";
  const position = /at position (\d+)/u.exec(reason)?.[1];
  const lines = text.slice(0, position === undefined ? text.length : Number(position)).split("\n");
  const place = `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
  return position === undefined && /end of/u.test(reason)
    ? ` at ${place}`
    : position === undefined
      ? ""
      : ` (${place})`;
}

function checkSchema(value: unknown, file: string): void {
  const schema = isObject(value) ? value["schema"] : undefined;
  if (schema === `${schemaName}@1`) return;
  const version = typeof schema === "string" ? /^raceproof\/counterexample@(\d+)$/u.exec(schema)?.[1] : undefined;
  if (version !== undefined && Number(version) > 1) {
    throw new UsageError(
      `${file} was written by a newer raceproof (${schemaName}@${version}; this one reads @1): update raceproof`,
    );
  }
  const found = schema === undefined ? "has no schema" : `has the schema ${shown(schema)}`;
  throw new UsageError(
    `${file} ${found}: expected "${schemaName}@1", the file that raceproof writes for a counterexample`,
  );
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : brief(value as never, 60);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fail(path: string, expected: string, value: unknown): never {
  const found = value === undefined ? "is missing" : `is ${shown(value)}`;
  throw new Mismatch(`${visible(path)} ${found}; expected ${expected}`);
}

const text: Check = (value, path) => {
  if (typeof value !== "string") fail(path, "a text", value);
};

const integer: Check = (value, path) => {
  if (!Number.isInteger(value) || (value as number) < 0) fail(path, "a whole number", value);
};

/** Any JSON will do, but there must be some. */
const json: Check = (value, path) => {
  if (value === undefined) fail(path, "a value", value);
};

function oneOf(...choices: readonly string[]): Check {
  return (value, path) => {
    if (!choices.includes(value as string)) fail(path, choices.map((choice) => `"${choice}"`).join(" or "), value);
  };
}

function orNull(check: Check): Check {
  return (value, path) => {
    if (value !== null) check(value, path);
  };
}

function optional(check: Check): Check {
  return (value, path) => {
    if (value !== undefined) check(value, path);
  };
}

function list(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) fail(path, "a list", value);
    for (const [index, item] of value.entries()) check(item, `${path}[${index}]`);
  };
}

function object(fields: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (!isObject(value)) fail(path, "an object", value);
    for (const [key, check] of Object.entries(fields))
      check(Object.hasOwn(value, key) ? value[key] : undefined, below(path, key));
  };
}

function record(check: Check): Check {
  return (value, path) => {
    if (!isObject(value)) fail(path, "an object", value);
    for (const [key, item] of Object.entries(value)) check(item, below(path, key));
  };
}

function below(path: string, key: string): string {
  const name = /^[A-Za-z_$][\w$]*$/u.test(key) ? key : JSON.stringify(key);
  return path === "" ? name : name === key ? `${path}.${name}` : `${path}[${name}]`;
}

/** Both must be right; what the second one says may rely on the first. */
function both(first: Check, second: Check): Check {
  return (value, path) => {
    first(value, path);
    second(value, path);
  };
}

const fault = oneOf(...faultKinds);
const schedule = list(object({ step: integer, to: text, fault: optional(fault) }));
const size = object({
  actors: integer,
  operations: integer,
  faults: integer,
  preemptions: integer,
  switches: integer,
  steps: integer,
});
const minimality = object({ kind: oneOf("proved", "checked", "cut off"), runs: integer });
const call = { operation: text, parameters: json };
const wait = object({ holders: list(text), lock: text, on: orNull(text), until: orNull(integer) });
const display = optional(record(text));

const outcomes: Readonly<Record<string, Check>> = {
  rows: object({ command: text, rowCount: orNull(integer), rows: optional(list(json)) }),
  error: object({ code: orNull(text), message: text }),
  passed: object({}),
};

const outcome: Check = (value, path) => {
  object({ kind: oneOf("rows", "error", "passed") })(value, path);
  outcomes[(value as { kind: string }).kind]?.(value, path);
};

const result: Check = (value, path) => {
  if (!isObject(value)) fail(path, "an object", value);
  if (value["crashed"] === true) return;
  const threw = object({ threw: object({ name: text, message: text, code: orNull(text) }) });
  if (!Object.hasOwn(value, "returned")) threw(value, path);
};

const step = object({
  index: integer,
  actor: text,
  session: text,
  operation: integer,
  kind: oneOf("statement", "yield", "crash"),
  fault: optional(fault),
  text,
  values: list(json),
  outcome,
  wait: orNull(wait),
  transaction: oneOf("none", "open", "failed"),
  display,
});

/** Everything else refers to steps by their index. */
const counted: Check = (value, path) => {
  for (const [position, { index }] of (value as readonly { index: number }[]).entries()) {
    if (index !== position) fail(`${path}[${position}].index`, String(position), index);
  }
};

const range: Check = (value, path) => {
  list(integer)(value, path);
  if ((value as unknown[]).length !== 2) fail(path, "the first and the last step", value);
};

const operation = object({ ...call, actor: text, index: integer, steps: orNull(range), result });

const called = object({
  actor: text,
  operation: integer,
  name: text,
  parameters: json,
  begin: integer,
  end: integer,
  result,
});

const state = record(list(record(json)));

const trace = object({
  steps: both(list(step), counted),
  operations: list(operation),
  calls: optional(list(called)),
  schedule,
  state,
  displayBefore: display,
});

const answer = object({ rowCount: integer, rows: list(json) });

const passing = object({
  first: integer,
  second: integer,
  reason: text,
  breaks: list(text),
  steps: both(list(step), counted),
  operations: list(operation),
  displayBefore: display,
});

const explanation = object({
  sites: list(orNull(object({ file: text, line: integer, function: orNull(text) }))),
  sources: list(object({ file: text, from: integer, lines: list(text) })),
  views: list(object({ committed: optional(state), sessions: optional(record(state)) })),
  edges: list(object({ from: integer, to: integer, reason: text })),
  stale: list(
    object({ read: integer, since: integer, write: orNull(integer), used: integer, before: answer, after: answer }),
  ),
  swap: orNull(object({ tried: integer, passing: orNull(passing) })),
});

const program = object({
  initial: json,
  actors: list(object({ name: text, operations: list(object(call)) })),
  faults: optional(list(object({ actor: text, kind: fault }))),
});

const counterexample = object({
  model: object({ name: text, module: orNull(text) }),
  implementation: text,
  condition: oneOf(...conditions),
  signature: text,
  violations: list(object({ invariant: text, way: text, message: text, after: optional(integer) })),
  program,
  schedule,
  trace,
  explanation: optional(explanation),
  shrink: object({ to: size, minimality: optional(minimality) }),
  confirmed: object({ reproduced: integer, times: integer }),
  environment: object({
    raceproof: text,
    postgres: object({ version: text, kind: text, settings: record(text) }),
  }),
});

const seen = { times: integer, first: integer };

const findings = object({
  failures: list(
    object({
      ...seen,
      signature: text,
      smallest: object({ execution: integer, steps: integer, program, schedule }),
    }),
  ),
  problems: list(object({ ...seen, message: text })),
});
