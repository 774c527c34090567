import pg from "pg";
import { UsageError } from "./errors.js";
import { run } from "./execution/control.js";
import { partsOf, type AnyModel } from "./execution/model.js";
import { makeSchema } from "./execution/schema.js";
import type { Step } from "./execution/trace.js";
import { conflict } from "./footprint/conflict.js";
import type { Catalog } from "./footprint/catalog.js";
import type { Footprint } from "./footprint/footprint.js";
import { Footprints, type PendingStep } from "./footprint/footprints.js";
import { readCatalog } from "./footprint/read-catalog.js";
import type { PostgresServer } from "./postgres/server.js";
import { Connections } from "./session/connections.js";
import type { Counterexample } from "./shrink/counterexample.js";
import { usable } from "./usable-model.js";
import { withServer } from "./with-server.js";

/** A step of a counterexample, and what it did that other sessions could notice. */
export interface ExplainedStep {
  readonly step: Step;
  readonly footprint: Footprint;
}

/** What the exhaustive strategy thinks of two steps of one execution. */
export interface Explanation {
  readonly steps: readonly [ExplainedStep, ExplainedStep];
  /** Why their order matters; null where it does not. */
  readonly reason: string | null;
}

/**
 * Says why two steps of a counterexample conflict, or that they commute.
 *
 * @param numbers Of the steps, from 1 as reports count them.
 * @throws {UsageError} When there is no such step, or the model's schema is not valid SQL.
 * @throws {PostgresError} When Postgres cannot be started or goes away.
 */
export async function explainSteps(
  given: AnyModel,
  counterexample: Counterexample,
  numbers: readonly [number, number],
  postgres?: string,
): Promise<Explanation> {
  const { steps } = counterexample.trace;
  for (const number of numbers)
    if (steps[number - 1] === undefined)
      throw new UsageError(`there is no step ${number}; the counterexample has the steps 1 to ${steps.length}`);
  const model = usable(given);
  const catalog = await withServer(postgres, (server) => catalogOf(server, model, counterexample));
  const { isolation } = partsOf(counterexample.condition);
  const footprints = footprintsOf(steps, new Footprints(catalog, isolation));
  const [one, other] = numbers.map((number) => ({ step: steps[number - 1]!, footprint: footprints[number - 1]! }));
  return { steps: [one!, other!], reason: reasonOf(one!, other!) };
}

function reasonOf(one: ExplainedStep, other: ExplainedStep): string | null {
  if (one.step.session === other.step.session) return `both are of ${one.step.session}, which takes them in this order`;
  return conflict(one.footprint, other.footprint)?.reason ?? null;
}

/** The catalog as the program found it. */
async function catalogOf(
  server: PostgresServer,
  model: AnyModel,
  { program, condition }: Counterexample,
): Promise<Catalog> {
  const database = await server.createDatabase();
  const connections = new Connections(database.connection, false, partsOf(condition).isolation);
  const control = new pg.Client(database.connection);
  try {
    await control.connect();
    await makeSchema(model, { database, control, connections }, "");
    await run(control, model.prepare?.(program.initial) ?? "", `\`prepare\` of model "${model.name}"`);
    return await readCatalog(control);
  } finally {
    await connections.close();
    await control.end();
    await database.drop();
  }
}

/** The footprint of each step of a trace, each at its time. */
function footprintsOf(steps: readonly Step[], reader: Footprints): Footprint[] {
  const found = new Map<number, Footprint>();
  const over = (step: Step) => found.set(step.index, reader.taken(pendingOf(step), endingOf(step)));
  for (const step of steps) {
    reader.sent(pendingOf(step));
    if (typeof step.wait?.until !== "number") over(step);
    for (const waiting of steps) if (waiting.wait?.until === step.index) over(waiting);
  }
  return steps.map(({ index }) => found.get(index)!);
}

function pendingOf({ actor, session, kind, text, values, fault }: Step): PendingStep {
  return { actor, session, kind, text, values, fault };
}

function endingOf({ transaction, outcome, wait }: Step) {
  return { transaction, outcome, waited: wait !== null };
}
