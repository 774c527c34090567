import type { PoolClient } from "pg";

import { execute, type Assignment, type Executed } from "../../src/execution/execution.js";
import type { Lanes } from "../../src/execution/lanes.js";
import type { AnyModel } from "../../src/execution/model.js";
import { assignedPool } from "../../src/execution/pool.js";
import type { Program } from "../../src/execution/program.js";
import { aboutPrograms } from "../../src/explore/explore.js";
import { inOrder } from "../../src/explore/in-order.js";
import { Queue } from "../../src/explore/queue.js";
import { exhaustive } from "../../src/strategy/exhaustive.js";
import { follow } from "../../src/strategy/follow.js";
import type { Schedule } from "../../src/strategy/schedule.js";
import type { Scheduler, Strategy } from "../../src/strategy/strategy.js";
import { exhaustivePart } from "../../src/strategy/subtrees.js";
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

/** Every order that differs by more than what commutes, by one search or by several that share them; or every order there is. */
export type How = "reduced" | "in parts" | "all";

/** Runs a program in so many orders. */
export async function explored(lanes: Lanes, program: SqlProgram, how: How, limit: number): Promise<Explored> {
  const outcomes = new Set<string>();
  let executions = 0;
  const found = (executed: Executed) => {
    outcomes.add(outcomeOf(executed));
    executions++;
  };
  const enough = () => executions >= limit;
  const exhausted = await runners[how](lanes, program, found, enough);
  return { outcomes, executions, exhausted };
}

/** @returns Whether it came to its end. */
type Runner = (lanes: Lanes, program: SqlProgram, found: Found, enough: () => boolean) => Promise<boolean>;

type Found = (executed: Executed) => void;

const runReduced: Runner = (lanes, program, found, enough) => runBy(exhaustive, lanes, program, found, enough);

const parts = 3;

const runInParts: Runner = async (lanes, program, found, enough) => {
  let exhausted = true;
  for (let part = 0; part < parts; part++)
    exhausted = (await runBy(exhaustivePart(part, parts, 0), lanes, program, found, enough)) && exhausted;
  return exhausted;
};

/** What counts of a search: neither what only looks where there is something to run, nor what another part runs. */
async function runBy(strategy: Strategy, lanes: Lanes, program: SqlProgram, found: Found, enough: () => boolean) {
  const queue = new Queue(
    strategy,
    onlyOnce({ program: programOf(program), name: "0" }),
    await aboutPrograms(lanes, model as AnyModel),
  );
  const next = () => (enough() ? undefined : queue.next());
  for await (const { job, result } of inOrder(next, (each) => run(lanes, program, each.scheduler))) {
    job.learn(result);
    if (!job.isScout && !job.isCovered) found(result);
  }
  return queue.exhausted.programs === 1;
}

function onlyOnce<T>(value: T): () => T | undefined {
  const left = [value];
  return () => left.pop();
}

/** After each execution, its schedule with another choice at each step behind its last switch: it shares nothing with the strategy. */
const runAll: Runner = async (lanes, program, found, enough) => {
  const schedules: Schedule[] = [[]];
  const next = () => (enough() ? undefined : schedules.pop());
  for await (const { result } of inOrder(next, (schedule) => run(lanes, program, follow(schedule)))) {
    const { trace, pending, chosen } = result;
    const from = (trace.schedule.at(-1)?.step ?? -1) + 1;
    for (const [step, choices] of [...pending.entries()].slice(from))
      for (const [other, { session: to, fault }] of choices.entries())
        if (other !== chosen[step])
          schedules.push([...trace.schedule, { step, to, ...(fault === undefined ? {} : { fault }) }]);
    found(result);
  }
  return schedules.length === 0;
};

const runners: Readonly<Record<How, Runner>> = { reduced: runReduced, "in parts": runInParts, all: runAll };

function run(lanes: Lanes, program: SqlProgram, scheduler: Scheduler): Promise<Executed> {
  const assignment: Assignment = {
    model: model as AnyModel,
    implementation: "only",
    program: programOf(program),
    pool: assignedPool,
    record: false,
  };
  return lanes.run((lane) => execute(lane, assignment, scheduler));
}

function programOf({ sessions, fault }: SqlProgram): Program {
  const actors = sessions.map((parameters, at) => ({
    name: "abc"[at]!,
    operations: [{ operation: "run", parameters }],
  }));
  return { initial: null, actors, ...(fault === undefined ? {} : { faults: [{ actor: "a", kind: fault }] }) };
}
