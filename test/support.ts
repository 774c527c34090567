import pg from "pg";
import { afterAll, beforeAll, onTestFinished } from "vitest";

import { defaultLimits, execute, type Assignment, type Executed, type Limits } from "../src/execution/execution.js";
import { Lanes } from "../src/execution/lanes.js";
import type { AnyModel, Model, OperationContext, Rows } from "../src/execution/model.js";
import type { Program } from "../src/execution/program.js";
import type { OperationRecord, Step, Trace } from "../src/execution/trace.js";
import { defineModel, fc, gatePg } from "../src/index.js";
import { openServer } from "../src/postgres/open.js";
import type { PostgresServer } from "../src/postgres/server.js";
import { follow, followOrder } from "../src/strategy/follow.js";
import type { Scheduler, Strategy } from "../src/strategy/strategy.js";

gatePg(pg);

/** A server for the tests of one file. */
export function serverForFile(): () => PostgresServer {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await openServer("embedded");
  });
  afterAll(() => server.stop());
  return () => server;
}

/** Code that one actor runs as one operation. */
// oxlint-disable-next-line typescript/no-explicit-any -- each test knows its own world
export type Act = (context: OperationContext<any, any, any>) => unknown;

/** A model for one test: some tables, and what each actor does. */
export interface Scene {
  readonly schema?: string;
  readonly rows?: Rows;
  /** By name; several are several operations, one after the other. */
  readonly actors: Readonly<Record<string, Act | readonly Act[]>>;
  readonly state?: Readonly<Record<string, string>>;
  readonly world?: () => unknown;
  readonly more?: Partial<Model<null, unknown, unknown, Record<string, null>>>;
}

/** The model of a scene; its operations are called `a 1`, `a 2`, … by the actor that runs them. */
export function modelOf({ schema = "", rows = {}, actors, state = {}, world, more }: Scene): AnyModel {
  const named = Object.entries(actors).map(([actor, acts]) => [actor, [acts].flat() as readonly Act[]] as const);
  const operations = named.flatMap(([actor, acts]) =>
    acts.map((act, i) => [
      `${actor} ${i + 1}`,
      { parameters: fc.constant(null), run: async (context: never) => act(context) },
    ]),
  );
  return defineModel<null, unknown, unknown, Record<string, null>>({
    name: "scene",
    schema,
    implementations: { only: { create: () => undefined } },
    initial: fc.constant(null),
    seed: () => rows,
    ...(world === undefined ? {} : { world }),
    operations: Object.fromEntries(operations),
    actors: Object.fromEntries(named.map(([actor, acts]) => [actor, acts.map((_, i) => `${actor} ${i + 1}`)])),
    state,
    invariants: {},
    ...more,
  });
}

/** A scheduler of a strategy that samples: another for each number. */
export function sampled(strategy: Strategy, number: number): Scheduler {
  return strategy.search(String(number), { footprints: undefined }).next()!;
}

/** Every actor runs all of its operations. */
export function programOf(model: AnyModel): Program {
  const actors = Object.entries(model.actors).map(([name, operations]) => ({
    name,
    operations: operations.map((operation) => ({ operation, parameters: null })),
  }));
  return { initial: null, actors };
}

export interface RunOptions {
  readonly pristine?: boolean;
  readonly record?: boolean;
  readonly limits?: Partial<Limits>;
}

/** A scene on lanes of its own. */
export interface Stage {
  readonly model: AnyModel;
  readonly lanes: Lanes;
  /** Runs it; an order names the sessions in the order in which they are to take steps, as far as they can. */
  readonly run: (schedule?: readonly string[] | Scheduler, options?: RunOptions) => Promise<Executed>;
}

/** Sets a scene up; it is taken down after the test. */
export async function stage(server: PostgresServer, scene: Scene, count = 1): Promise<Stage> {
  const model = modelOf(scene);
  const lanes = await Lanes.open(server, model, count);
  onTestFinished(() => lanes.close());
  const pool = new pg.Pool();
  return {
    model,
    lanes,
    run: (schedule = [], { record = false, pristine = true, limits } = {}) => {
      const program = programOf(model);
      const assignment: Assignment = { model, implementation: "only", program, pool, record, pristine };
      const scheduler = "choose" in schedule ? schedule : followOrder(schedule);
      return lanes.run((lane) => execute(lane, assignment, scheduler, { ...defaultLimits, ...limits }));
    },
  };
}

/** Sets a scene up and runs it once. */
export async function play(
  server: PostgresServer,
  scene: Scene,
  schedule: readonly string[] | Scheduler = [],
  options: RunOptions = {},
): Promise<Executed> {
  return (await stage(server, scene)).run(schedule, options);
}

/** Runs a trace again by its schedule. */
export function again({ run }: Stage, { schedule }: Trace, options: RunOptions = {}): Promise<Executed> {
  return run(follow(schedule), options);
}

/** The steps of a trace as lines, e.g. `b: update t … → UPDATE 1 (waited for a until step 3)`; steps count from 0. */
export function story({ steps }: Trace): string[] {
  return steps.map((step) => `${step.session}: ${step.text}${came(step)}${waited(step)}`);
}

function came({ outcome }: Step): string {
  if (outcome.kind === "error") return ` ! ${outcome.code ?? outcome.message}`;
  return outcome.kind === "passed" ? " passed" : "";
}

function waited({ wait }: Step): string {
  if (wait === null) return "";
  return ` (waited for ${wait.holders.join(", ")} until ${wait.until === null ? "it ended by itself" : `step ${wait.until}`})`;
}

/** What an actor's operations came to: what they returned, or the error that left them. */
export function results({ operations }: Trace, actor: string): OperationRecord["result"][] {
  return operations.filter((each) => each.actor === actor).map(({ result }) => result);
}

/** What its only operation returned. */
export function returned(trace: Trace, actor: string): unknown {
  const [result] = results(trace, actor);
  if (result === undefined || !("returned" in result)) throw new Error(`${actor}: ${JSON.stringify(result)}`);
  return result.returned;
}

/** The backends that are connected to databases of ours, but for the one that asks. */
export async function backends(server: PostgresServer, application = "%"): Promise<number> {
  const database = await server.createDatabase();
  const client = new pg.Client(database.connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name like $1`,
      [application],
    );
    return rows[0]!.count;
  } finally {
    await client.end();
    await database.drop();
  }
}

/** A number of milliseconds that nobody controls. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
