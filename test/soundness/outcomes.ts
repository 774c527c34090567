import type { PoolClient } from "pg";

import { execute, type Executed } from "../../src/execution/execution.js";
import type { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel } from "../../src/execution/model.js";
import { assignedPool } from "../../src/execution/pool.js";
import { Footprints } from "../../src/footprint/footprints.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { defineModel, fc } from "../../src/index.js";
import { rows, schema, state, type SqlProgram } from "./programs.js";

/** Sends statements, and keeps what each came to: its rows, or the code of its error. */
async function send(client: PoolClient, statements: readonly string[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const statement of statements) {
    try {
      const { rows: found, rowCount } = await client.query(statement);
      answers.push([rowCount, found]);
    } catch (error) {
      answers.push((error as { code?: string }).code ?? String(error));
    }
  }
  return answers;
}

/** One model for all programs, so that one set of lanes serves them: the statements are parameters. */
export const model = defineModel<null, undefined, undefined, { run: string[] }>({
  name: "soundness",
  schema,
  implementations: { only: { create: () => undefined } },
  initial: fc.constant(null),
  seed: () => rows,
  operations: {
    run: {
      parameters: fc.array(fc.string()),
      run: async ({ pool }, statements) => {
        const client = await pool.connect();
        try {
          return await send(client, statements);
        } finally {
          client.release();
        }
      },
    },
  },
  actors: { a: ["run"], b: ["run"], c: ["run"] },
  state,
  invariants: { none: () => undefined },
});

/** What can be told from outside: every answer, and the tables. */
export function outcomeOf({ trace }: Executed): string {
  const results = trace.operations.toSorted((a, b) => (a.actor < b.actor ? -1 : 1)).map(({ result }) => result);
  return JSON.stringify([results, trace.state]);
}

export interface Explored {
  readonly outcomes: ReadonlySet<string>;
  readonly executions: number;
  /** Whether the search came to its end within the limit. */
  readonly exhausted: boolean;
}

/** Runs a program in every order: reduced by footprints, or as if every two steps conflicted. */
export async function explored(lanes: Lanes, program: SqlProgram, reduced: boolean, limit: number): Promise<Explored> {
  const actors = program.sessions.map((statements, at) => ({
    name: "abc"[at]!,
    operations: [{ operation: "run", parameters: statements }],
  }));
  const catalog = await lanes.run((lane) => lane.catalog());
  const footprints = reduced ? () => new Footprints(catalog, program.isolation) : undefined;
  const search = exhaustive.search("", { footprints });
  const outcomes = new Set<string>();
  let executions = 0;
  while (executions < limit) {
    const batch = [];
    for (let next = search.next(); next !== undefined; next = search.next()) {
      batch.push(next);
      if (batch.length >= 32) break;
    }
    if (batch.length === 0) break;
    const jobs = batch.map(
      (scheduler) => (lane: Parameters<Parameters<Lanes["run"]>[0]>[0]) =>
        execute(
          lane,
          {
            model: model as AnyModel,
            implementation: "only",
            program: { initial: null, actors },
            pool: assignedPool,
            record: false,
          },
          scheduler,
        ),
    );
    for await (const executed of lanes.ordered(jobs)) {
      search.learn(executed);
      outcomes.add(outcomeOf(executed));
      executions++;
    }
  }
  return { outcomes, executions, exhausted: search.exhausted };
}
