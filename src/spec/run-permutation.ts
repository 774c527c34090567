import { execute, type Limits } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import { lastOf, type SpecConnections } from "./connections.js";
import { Observer, type StepRun } from "./observer.js";
import type { Patience } from "./patience.js";
import { inOrder } from "./permutation-scheduler.js";
import { implementation, programOf, type Runners } from "./program.js";
import { resultText } from "./result-text.js";
import type { Permutation, SpecFile } from "./spec-file.js";
import { Watch } from "./watch.js";

/** What came of one permutation. */
export interface PermutationRun {
  readonly permutation: Permutation;
  /** What isolationtester prints for it. */
  readonly text: string;
  readonly steps: readonly StepRun[];
  /** What the teardown had to say that isolationtester prints on stderr. */
  readonly complaints: readonly string[];
  /** Names of the steps that could not have been taken in this order: each waited for ever, and was cancelled. */
  readonly cancelled: readonly string[];
  /** Whether the sessions ended outside of a transaction. */
  readonly idle: boolean;
}

/** Where a spec's permutations run. */
export interface Bench {
  readonly lane: Lane;
  readonly connections: SpecConnections;
  readonly spec: SpecFile;
  readonly model: AnyModel;
  readonly runners: Runners;
  readonly patience: Patience;
}

/**
 * Runs a spec once: setup, the steps of a permutation in its order, teardown.
 *
 * @throws {UsageError} When a setup fails.
 * @throws {RaceproofError} When the permutation's markers can never come true.
 */
export async function runPermutation(bench: Bench, permutation: Permutation): Promise<PermutationRun> {
  const texts = [`\nstarting permutation:${permutation.map(({ step }) => ` ${step.name}`).join("")}\n`];
  const write = (text: string) => void texts.push(text);
  const observer = new Observer(write);
  bench.connections.observe(observer);
  await setUp(bench, observer, write);
  const cancelled = await runSteps(bench, permutation, observer);
  const complaints = await tearDown(bench, observer, write);
  const { idle } = bench.connections;
  return { permutation, text: texts.join(""), steps: observer.runs, complaints, cancelled, idle };
}

type Write = (text: string) => void;

async function setUp({ connections, spec }: Bench, observer: Observer, write: Write): Promise<void> {
  for (const sql of spec.setups) show(lastOf(await connections.exec(sql), "setup"), write);
  for (const { name, setup } of spec.sessions) {
    if (setup === undefined) continue;
    const results = await connections.exec(setup, name);
    observer.flush(name);
    show(lastOf(results, `setup of session ${name}`), write);
  }
}

/** It goes on after a failure, as isolationtester does. */
async function tearDown({ connections, spec }: Bench, observer: Observer, write: Write): Promise<string[]> {
  const complaints: string[] = [];
  const run = async (sql: string | undefined, what: string, session?: string) => {
    if (sql === undefined) return;
    const result = (await connections.exec(sql, session)).at(-1);
    if (session !== undefined) observer.flush(session);
    if (result?.kind === "error") complaints.push(`${what} failed: ${resultText(result)}`);
    else show(result, write);
  };
  for (const { name, teardown } of spec.sessions) await run(teardown, `teardown of session ${name}`, name);
  await run(spec.teardown, "teardown");
  return complaints;
}

function show(result: Parameters<typeof resultText>[0] | undefined, write: Write): void {
  if (result?.kind === "rows") write(resultText(result));
}

async function runSteps(bench: Bench, permutation: Permutation, observer: Observer): Promise<string[]> {
  const { lane, connections, spec, model, runners, patience } = bench;
  const scheduler = inOrder(permutation, observer);
  const watch = new Watch({ lane, connections, patience, observer, scheduler });
  runners.set(lane.connections, async ({ session, sql }) => {
    const results = await connections.step(session, sql);
    observer.answered(session, results.map(resultText).join(""));
  });
  const program = programOf(
    spec,
    permutation.map(({ step }) => step),
  );
  const assignment = { model, implementation, program, pool: assignedPool, record: false, keeper: watch };
  // Twice its patience is when isolationtester gives up, too.
  const limits: Limits = { uncontrolled: 10_000, statement: 2_000 * patience.seconds };
  try {
    await execute(lane, assignment, watch, limits);
    watch.finish();
  } finally {
    watch.end();
    connections.letGo();
  }
  return watch.cancelled;
}
