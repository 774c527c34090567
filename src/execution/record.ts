import type { GatedStep } from "../session/gate.js";
import type { FaultKind } from "../strategy/fault.js";
import { toJson } from "./json.js";
import type { CallRecord, OperationRecord, OperationResult, Step, Thrown } from "./trace.js";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A step as it is being recorded. */
export type Recorded = Writable<Step>;

/** The record of a step that is about to be taken. */
export function newRecord(step: GatedStep, index: number, fault: FaultKind | undefined): Recorded {
  return {
    index,
    actor: step.actor,
    session: step.session,
    operation: step.operation,
    kind: step.kind,
    ...(fault === undefined ? {} : { fault }),
    text: step.text,
    values: step.values.map((value) => toJson(value)),
    outcome: { kind: "passed" },
    wait: null,
    transaction: "none",
  };
}

/** An error as it is recorded. */
export function thrown(error: unknown): Thrown {
  if (!(error instanceof Error)) return { name: "non-error", message: String(error), code: null };
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return {
    name: error.name,
    message: error.message,
    code: typeof code === "string" && severity !== undefined ? code : null,
  };
}

/** Operations with the first and last of their steps, in the order in which they began. */
export function withSteps(
  operations: readonly Omit<OperationRecord, "steps">[],
  steps: readonly Step[],
): OperationRecord[] {
  const spans = new Map<string, [first: number, last: number]>();
  for (const { actor, operation, index } of steps) {
    const key = `${operation} ${actor}`;
    const span = spans.get(key);
    if (span === undefined) spans.set(key, [index, index]);
    else span[1] = index;
  }
  return operations
    .map(({ result, ...record }): OperationRecord => {
      return { ...record, steps: spans.get(`${record.index} ${record.actor}`) ?? null, result };
    })
    .toSorted((a, b) => (a.steps?.[0] ?? Infinity) - (b.steps?.[0] ?? Infinity) || 0);
}

/** The calls of one execution, as they begin and end. */
export class Calls {
  readonly #records: Writable<CallRecord>[] = [];
  readonly #open = new Set<Writable<CallRecord>>();

  get records(): readonly CallRecord[] {
    return this.#records;
  }

  /** @returns What to call when it has ended. */
  begin(call: Pick<CallRecord, "actor" | "operation" | "name" | "parameters" | "begin">) {
    const record: Writable<CallRecord> = { ...call, end: Infinity, result: { crashed: true } };
    this.#records.push(record);
    this.#open.add(record);
    return (result: OperationResult, end: number) => {
      // Code of a process that died may run on for a moment, to no effect.
      if (this.#open.delete(record)) Object.assign(record, { result, end });
    };
  }

  /** What an operation had not come to the end of ends here, with its process or with the execution. */
  cut(end: number, actor?: string): void {
    for (const record of this.#open) {
      if (actor !== undefined && record.actor !== actor) continue;
      record.end = end;
      this.#open.delete(record);
    }
  }
}
