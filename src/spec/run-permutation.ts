import { setTimeout as sleep } from "node:timers/promises";
import { execute, type Executed, type Limits } from "../execution/execution.js";
import type { Lane } from "../execution/lane.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { SpecConnections } from "./connections.js";
import type { Scheduler } from "../strategy/strategy.js";
import { Observer, type StepRun } from "./observer.js";
import type { Patience } from "./patience.js";
import { EndlessMarkers, freely, inOrder } from "./permutation-scheduler.js";
import { implementation, programOf, type Runners } from "./program.js";
import type { RawResult } from "./raw-query.js";
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
  /** Why the spec ends here: a setup failed, or markers that can never come true. */
  readonly failure: string | undefined;
  /** What a strategy may learn from; undefined when the steps could not be finished. */
  readonly executed: Executed | undefined;
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
  /** Brings the database to where setup leaves it, in place of setup and teardown; undefined where those run as written. */
  readonly reset: (() => Promise<void>) | undefined;
}

/** In which order the steps are launched: as listed, or as a scheduler decides. */
export type Order = Permutation | Scheduler;

/** Runs a spec once: setup, the steps in an order, teardown. */
export async function runPermutation(bench: Bench, order: Order): Promise<PermutationRun> {
  const texts: string[] = [];
  const write = (text: string) => void texts.push(text);
  const observer = new Observer(write);
  bench.connections.observe(observer);
  const { cancelled = [], complaints = [], failure, executed } = await runParts(bench, order, observer, write);
  const permutation = "choose" in order ? observer.runs.map(({ step }) => step) : order;
  const title = `\nstarting permutation:${permutation.map(({ step }) => ` ${step.name}`).join("")}\n`;
  const { idle } = bench.connections;
  return {
    permutation,
    text: title + texts.join(""),
    steps: observer.runs,
    complaints,
    cancelled,
    failure,
    executed,
    idle,
  };
}

interface Parts extends Partial<Pick<PermutationRun, "cancelled" | "complaints">> {
  readonly failure: string | undefined;
  readonly executed?: Executed;
}

async function runParts(bench: Bench, order: Order, observer: Observer, write: Write): Promise<Parts> {
  const failure = await setUp(bench, observer, write);
  if (failure !== undefined) return { failure };
  try {
    const { cancelled, executed } = await runSteps(bench, order, observer);
    return { cancelled, executed, complaints: await tearDown(bench, observer, write), failure };
  } catch (error) {
    if (error instanceof EndlessMarkers) return { failure: error.message };
    throw error;
  }
}

type Write = (text: string) => void;

/** Says why it failed; stops there, as isolationtester does. */
async function setUp(
  { connections, spec, reset }: Bench,
  observer: Observer,
  write: Write,
): Promise<string | undefined> {
  if (reset !== undefined) await reset();
  for (const sql of reset === undefined ? spec.setups : []) {
    const failure = show(await connections.exec(sql), "setup", write);
    if (failure !== undefined) return failure;
  }
  for (const { name, setup } of spec.sessions) {
    if (setup === undefined) continue;
    const results = await connections.exec(setup, name);
    observer.flush(name);
    const failure = show(results, `setup of session ${name}`, write);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** Says what failed; goes on all the same, as isolationtester does. */
async function tearDown({ connections, spec, reset }: Bench, observer: Observer, write: Write): Promise<string[]> {
  const complaints: (string | undefined)[] = [];
  for (const { name, teardown } of spec.sessions) {
    if (teardown === undefined) continue;
    const results = await connections.exec(teardown, name);
    observer.flush(name);
    complaints.push(show(results, `teardown of session ${name}`, write));
  }
  if (spec.teardown !== undefined && reset === undefined)
    complaints.push(show(await connections.exec(spec.teardown), "teardown", write));
  return complaints.filter((complaint) => complaint !== undefined);
}

/** Writes the last result, which is all that isolationtester sees of a setup or a teardown; returns it in words if it is an error. */
function show(results: readonly RawResult[], what: string, write: Write): string | undefined {
  const last = results.at(-1);
  if (last?.kind === "error") return `${what} failed: ${resultText(last).trimEnd()}`;
  if (last?.kind === "rows") write(resultText(last));
  return undefined;
}

/** In milliseconds: whoever waits, and is ended by a signal, has time to say so before anybody looks, as with isolationtester. */
const signalTime = 20;

async function runSteps(
  bench: Bench,
  order: Order,
  observer: Observer,
): Promise<{ readonly cancelled: readonly string[]; readonly executed: Executed }> {
  const { lane, connections, spec, model, runners, patience } = bench;
  const scheduler = "choose" in order ? freely(spec, order, observer) : inOrder(order, observer);
  const steps = "choose" in order ? spec.sessions.flatMap((session) => session.steps) : order.map(({ step }) => step);
  const watch = new Watch({ lane, connections, patience, observer, scheduler });
  runners.set(lane.connections, async ({ session, sql }) => {
    const results = await connections.step(session, sql);
    if (/pg_(cancel|terminate)_backend/i.test(sql)) await sleep(signalTime);
    observer.answered(session, results);
  });
  const program = programOf(spec, steps);
  const assignment = { model, implementation, program, pool: assignedPool, record: false, keeper: watch };
  // Twice its patience is when isolationtester gives up, too.
  const limits: Limits = { uncontrolled: 10_000, statement: 2_000 * patience.seconds };
  try {
    const executed = await execute(lane, assignment, watch, limits);
    watch.finish();
    return { cancelled: watch.cancelled, executed };
  } finally {
    watch.end();
    connections.letGo();
  }
}
