import { comparable } from "../strategy/comparable.js";
import type { Json } from "./program.js";
import type { Outcome, Step, Trace } from "./trace.js";

/** The first point at which two records of the same schedule differ. */
export interface Difference {
  /** Index of the step. */
  readonly step: number;
  /** What differs. */
  readonly what: Aspect;
  readonly recorded: string;
  readonly now: string;
}

/** What two steps are compared by. */
export type Aspect =
  | "who takes it"
  | "the statement"
  | "the parameters"
  | "what goes wrong"
  | "what comes back"
  | "the rows"
  | "the wait"
  | "the number of steps";

/**
 * Compares a replay with the record, step by step: who took it, statement, parameters by shape, what came back (rows
 * affected or error code; rows by shape where both were recorded in full), and waits. What may differ between servers and runs is left out: values of parameters of the
 * same type (generated ids, times), messages, lock numbers.
 */
export function firstDifference(recorded: Trace, now: Trace): Difference | undefined {
  const length = Math.max(recorded.steps.length, now.steps.length);
  for (let step = 0; step < length; step++) {
    const found = stepDifference(recorded.steps[step], now.steps[step]);
    if (found !== undefined) return { step, ...found };
  }
  return undefined;
}

function stepDifference(recorded: Step | undefined, now: Step | undefined): Omit<Difference, "step"> | undefined {
  const aspects: [what: Aspect, of: (step: Step) => string][] = [
    ["who takes it", ({ session }) => session],
    ["the statement", ({ text }) => comparable(text)],
    ["the parameters", ({ values }) => `(${values.map(shape).join(", ")})`],
    ["what goes wrong", ({ fault }) => fault ?? "nothing"],
    ["what comes back", ({ outcome }) => describeOutcome(outcome)],
    [
      "the wait",
      ({ wait }) =>
        wait === null
          ? "no wait"
          : `waits for ${wait.holders.join(", ")} until ${wait.until === null ? "it ends by itself" : `step ${wait.until + 1}`}`,
    ],
  ];
  if (recorded === undefined || now === undefined) {
    return { what: "the number of steps", recorded: who(recorded), now: who(now) };
  }
  for (const [what, of] of aspects) {
    if (of(recorded) !== of(now)) return { what, recorded: of(recorded), now: of(now) };
  }
  const [before, after] = [rowsOf(recorded), rowsOf(now)];
  if (before !== undefined && after !== undefined && before !== after)
    return { what: "the rows", recorded: before, now: after };
  return undefined;
}

/** The shape of the rows that were recorded. */
function rowsOf({ outcome }: Step): string | undefined {
  if (outcome.kind !== "rows" || outcome.rows === undefined) return undefined;
  return outcome.rows.map(shape).join("; ");
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "rows":
      return outcome.rowCount === null ? outcome.command : `${outcome.command}, ${outcome.rowCount} rows`;
    case "error":
      return `error ${outcome.code ?? outcome.message.replaceAll(/\d+/g, "N")}`;
    case "passed":
      return "passed";
  }
}

/** The type of a value; of strings also whether they look like something that is generated. */
function shape(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].join("|")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([key, item]) => `${key}: ${shape(item)}`)
      .join(", ")}}`;
  if (typeof value !== "string") return typeof value;
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)) return "uuid";
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return "time";
  return "string";
}

function who(step: Step | undefined): string {
  return step === undefined ? "no further step" : `${step.session}: ${step.text.replace(/\s+/g, " ").trim()}`;
}
