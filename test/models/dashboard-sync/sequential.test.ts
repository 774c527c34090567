import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { DashboardSync } from "../../../models/dashboard-sync/implementation.js";
import { queueOf, seed, type Initial } from "../../../models/dashboard-sync/initial.js";
import { invariants } from "../../../models/dashboard-sync/invariants.js";
import { stateQueries } from "../../../models/dashboard-sync/state.js";
import model from "../../../models/dashboard-sync/model.js";
import { actors, operations } from "../../../models/dashboard-sync/operations.js";
import type { Queue } from "../../../models/dashboard-sync/queue.js";
import { reference } from "../../../models/dashboard-sync/reference.js";
import { fc, type Call, type Json, type OperationContext, type State } from "../../../src/index.js";
import { serverForFile } from "../../support.js";

// One operation after the other, on a real Postgres: the model that fast-check's commands run against is the reference,
// which explains each answer, or does not.

const server = serverForFile();
let pool: pg.Pool;

beforeAll(async () => {
  pool = new pg.Pool((await server().createDatabase()).connection);
  await pool.query(model.schema as string);
});
afterAll(() => pool.end());

interface Real {
  readonly implementation: DashboardSync;
  readonly queue: Queue;
  readonly initial: Initial;
}

interface Explained {
  /** Every state that the reference may be in. */
  states: readonly unknown[];
}

class Command implements fc.AsyncCommand<Explained, Real> {
  constructor(
    readonly actor: string,
    readonly operation: keyof typeof operations,
    readonly parameters: Json,
  ) {}

  check(): boolean {
    return true;
  }

  async run(explained: Explained, { implementation, queue, initial }: Real): Promise<void> {
    const calls: Call[] = [];
    const context: OperationContext<Initial, DashboardSync, Queue> = {
      implementation,
      pool,
      world: queue,
      initial,
      actor: this.actor,
      call: async (name, parameters, body) => {
        const answer = await body();
        const returned = JSON.parse(JSON.stringify(answer ?? null)) as Json;
        calls.push({ actor: this.actor, name, parameters, result: { returned } });
        return answer;
      },
    };
    const { run, expectedError } = operations[this.operation] as {
      run: (context: unknown, parameters: unknown) => Promise<unknown>;
      expectedError?: (error: { name: string; message: string; code: null }) => boolean;
    };
    await run(context, this.parameters).catch((error: Error) => {
      if (expectedError?.({ name: error.name, message: error.message, code: null }) !== true) throw error;
    });
    for (const call of calls) {
      explained.states = explained.states.flatMap(
        (state) => reference.explain[call.name]?.(state as never, call) ?? [],
      );
      if (explained.states.length === 0)
        throw new Error(`${call.name} answered what it may not: ${JSON.stringify(call)}`);
    }
    const state = await stateNow();
    const contradictions = explained.states.map((each) => reference.final?.(each as never, state, { world: queue }));
    if (!contradictions.includes(undefined)) throw new Error(JSON.stringify(contradictions));
    for (const [name, invariant] of Object.entries(invariants)) {
      const holds = typeof invariant === "function" ? invariant : invariant.holds;
      const broken = holds(state, { initial, world: queue, implementation, operations: [] });
      if (broken !== undefined) throw new Error(`${name}: ${JSON.stringify(broken)}`);
    }
  }

  toString(): string {
    const { describe } = operations[this.operation] as { describe: (parameters: unknown) => string };
    return `${this.actor}: ${describe(this.parameters)}`;
  }
}

async function stateNow(): Promise<State> {
  const rows = await Promise.all(
    Object.entries(stateQueries).map(async ([name, query]) => {
      const { rows } = await pool.query<{ row: Record<string, unknown> }>(`select to_json(q) as row from (${query}) q`);
      return [name, rows.map(({ row }) => row)] as const;
    }),
  );
  return Object.fromEntries(rows);
}

async function begin(name: string, initial: Initial): Promise<{ model: Explained; real: Real }> {
  await pool.query(
    "truncate run_metadata, partition_progress, worker_runs, work_item_outbox, counter_writes restart identity",
  );
  for (const [table, rows] of Object.entries(seed(initial)))
    for (const row of rows)
      await pool.query(
        `insert into ${table} (${Object.keys(row).join(", ")}) overriding system value
         select ${Object.keys(row).join(", ")} from json_populate_record(null::${table}, $1)`,
        [JSON.stringify(row)],
      );
  const implementation = model.implementations[name]!.create({ pool });
  return {
    model: { states: [reference.initial(initial)] },
    real: { implementation, queue: queueOf(initial), initial },
  };
}

const initial: Initial = { runs: [["failed", "failed"]] };

const commands = Object.entries(actors).flatMap(([actor, names]) =>
  names.map((name) => {
    const { parameters } = operations[name];
    const arbitrary = (typeof parameters === "function" ? parameters(initial) : parameters) as fc.Arbitrary<Json>;
    return arbitrary.map((values) => new Command(actor, name, values));
  }),
);

/** The smallest story that breaks it and how, or nulls. */
async function run(implementation: string): Promise<{ story: string | null; error: string | null }> {
  const property = fc.asyncProperty(fc.commands(commands, { maxCommands: 12 }), async (chosen) => {
    const start = await begin(implementation, initial);
    await fc.asyncModelRun(() => start, chosen);
  });
  const { counterexample, errorInstance } = await fc.check(property, { numRuns: 40, seed: 7 });
  const [chosen] = counterexample ?? [];
  return {
    story: chosen === undefined ? null : [...chosen].map(String).join(", "),
    error: errorInstance instanceof Error ? errorInstance.message : null,
  };
}

/** A second press takes back a failure that is not there, or another partition's. */
const doubleRetry = { error: /^(counter|no desync|dashboard)/, story: /^user: double retry run 1, partition \d$/ };

/** A retry leaves two messages, or sends one beside the old: one succeeds, and then the other fails. */
const failureAfterSuccess = { error: /worker run of a partition/, story: /retry .* succeeds,.* fails/ };

const broken = {
  legacy: doubleRetry,
  "option-1a-count-partitions": doubleRetry,
  "option-1b-count-worker-runs": doubleRetry,
  "option-2-atomic-reset": failureAfterSuccess,
  "option-2-throwing-update": failureAfterSuccess,
  "option-3-advisory-lock": doubleRetry,
  "option-3-lock-held": doubleRetry,
} as const;

test.for(Object.keys(broken) as (keyof typeof broken)[])("%s breaks without any concurrency", async (name) => {
  const { story, error } = await run(name);
  expect(story).toMatch(broken[name].story);
  expect(error).toMatch(broken[name].error);
});

test.for(Object.keys(model.implementations).filter((name) => !(name in broken)))(
  "%s does what the reference says as long as one operation comes after the other",
  async (name) => expect(await run(name)).toEqual({ story: null, error: null }),
);
