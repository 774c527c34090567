import { setImmediate as immediate } from "node:timers/promises";
import type { Pool } from "pg";
import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { runAs, type ActorContext } from "../session/context.js";
import type { Gate, GatedStep } from "../session/gate.js";
import { isTimer } from "../session/timer-step.js";
import { uncontrolledResources } from "../session/uncontrolled.js";
import { VirtualClock } from "../session/virtual-clock.js";
import { defaultChoice, type Switch } from "../strategy/schedule.js";
import { waitForWaiters, type Choice, type Observed, type Scheduler } from "../strategy/strategy.js";
import { Bell } from "./bell.js";
import { Publications } from "./commits.js";
import { failureOf, Faults, type FaultChoice } from "./faults.js";
import { toJson } from "./json.js";
import type { Address, Lane } from "./lane.js";
import {
  describeCall,
  fromModel,
  hasEveryCommit,
  schemaText,
  type AnyModel,
  type Broken,
  type State,
} from "./model.js";
import type { Json, OperationCall, Program } from "./program.js";
import { lookWith } from "./look.js";
import { Calls, newRecord, thrown, withSteps, type Recorded } from "./record.js";
import type { Commit, OperationRecord, OperationResult, Step, Trace } from "./trace.js";
import { Waiters } from "./waiters.js";

/** What is to be executed. */
export interface Assignment {
  readonly model: AnyModel;
  readonly implementation: string;
  readonly program: Program;
  /** Handed to implementations and operations; resolves to the lane by itself. */
  readonly pool: Pool;
  /** Whether to keep rows, the rows that locks are about, and the display after every step. */
  readonly record: boolean;
  /**
   * Whether the tables are to be as they are in a new database down to the places of their rows, on which the order of
   * rows without `order by` depends. It takes several milliseconds; a replay deserves them, and so does what is recorded.
   */
  readonly pristine?: boolean;
  /** Looks on. */
  readonly observer?: Observer;
  /** Called before each step that is about to be taken, and after the last one; nothing moves until it has resolved. */
  readonly pause?: Pause;
  /** For callers that look after the database and its connections themselves: nothing is reset before, or tidied up after. */
  readonly keeper?: Keeper;
}

/** Waits at a moment between two steps for as long as it likes; what it throws ends the execution. */
export type Pause = (moment: Moment) => Promise<void>;

/** A moment between two steps. */
export interface Moment {
  /** How many steps have been taken. */
  readonly taken: number;
  /** The last of them, as far as it has come. */
  readonly last: Step | undefined;
  /** What is about to be taken; undefined at the end. */
  readonly next: Choice | undefined;
  /** Sessions whose statement waits for a lock. */
  readonly waiting: readonly string[];
  readonly address: Address;
}

/** Who looks after what an execution would look after otherwise. */
export interface Keeper {
  /** No step is to be taken before one of these has gone on; they may need help, e.g. to be cancelled. */
  onlyWaiters(pids: readonly number[]): void;
  /** Whether a deadlock must have found its victim before another step is taken. */
  readonly victimsFirst: boolean;
}

/** Looks on while an execution goes on. */
export interface Observer {
  /**
   * Called before the first step, and after each one, while nothing moves.
   *
   * @param stack Of the code that issued the step.
   */
  look(lane: Lane, step: Step | undefined, stack: string | undefined): Promise<void>;
}

/** How long is waited for what is not under control, in milliseconds. */
export interface Limits {
  /** For an actor that neither issues a statement nor ends. */
  readonly uncontrolled: number;
  /** For a statement that neither answers nor waits for a lock of ours. */
  readonly statement: number;
}

export const defaultLimits: Limits = { uncontrolled: 2_000, statement: 10_000 };

export interface Executed extends Observed {
  readonly trace: Trace;
  /** What the model's `world` made, as the execution left it. */
  readonly world: unknown;
  /** What the implementation's `create` made. */
  readonly implementation: unknown;
  /** What an outside reader saw after each COMMIT; empty unless the model has an invariant that looks at it. */
  readonly commits: readonly Commit[];
  /** What the code under test left behind, in words. */
  readonly left: readonly string[];
  /** What actors did in the outside world that cannot be scheduled, in words. */
  readonly uncontrolled: readonly string[];
  /** What invariants found that look by themselves. */
  readonly seen: ReadonlyMap<string, Broken | undefined>;
}

/**
 * Runs one program under one scheduler on one lane.
 *
 * @throws {RaceproofError} When it cannot be finished: an actor does something uncontrolled for longer than the limit,
 *   everybody waits for somebody else, or Postgres went away. Whatever the scheduler throws comes through.
 */
export async function execute(
  lane: Lane,
  assignment: Assignment,
  scheduler: Scheduler,
  limits: Limits = defaultLimits,
): Promise<Executed> {
  if (assignment.keeper === undefined)
    await lane.reset(assignment.program.initial, assignment.record || assignment.pristine === true);
  return new Execution(lane, assignment, scheduler, limits).run();
}

/** An actor at work. */
interface Run {
  readonly name: string;
  readonly calls: readonly OperationCall[];
  /** Steps that want to be taken, in the order of arrival. */
  readonly pending: GatedStep[];
  readonly slots: Set<number>;
  /** Things of ours that it is held up by, and that end by themselves. */
  busy: number;
  /** Times it waits for a pooled connection. */
  queued: number;
  operation: number;
  /** Ends the operation under way: its code failed where nobody catches it. */
  crash: (result: OperationResult) => void;
  /** Whether its code failed where nobody catches it; it runs no further operation then. */
  crashed: boolean;
  /** Operations whose process died: what is left of their code gets no answer. */
  readonly dead: Set<number>;
  /** Has nothing (more) to do; true before it starts. */
  done: boolean;
  /** How many of its timers fired although others had something to do. */
  early: number;
  /** How many calls were refused since the execution ended. */
  refused: number;
}

/** Of something that an actor is held up by, among others. */
interface Place {
  /** What happens when its turn comes; undefined while it is not over. */
  next: (() => void) | undefined;
}

/** How long nothing may move before nothing ever will, in milliseconds, where no timeout is set that could move it. */
const stuckAfter = 250;

/**
 * How many timers of an actor may fire in front of others' steps in one execution: one that polls would never let them on.
 */
const mostEarly = 8;

/** The error of an operation that never came to its end. */
export const stuck = "Stuck";

/** Late calls of one actor that are told so: enough for its `finally` blocks, and an end to a loop that retries for ever. */
const refusals = 10;

/** Under way in this process. */
const running = new Set<Execution>();

class Execution implements Gate {
  readonly connections;
  readonly clock;
  readonly wantsCallers: boolean;
  readonly #lane: Lane;
  readonly #assignment: Assignment;
  readonly #scheduler: Scheduler;
  readonly #limits: Limits;
  readonly #runs: readonly Run[];
  readonly #world: unknown;
  readonly #implementation: unknown;
  readonly #steps: Recorded[] = [];
  readonly #operations: Omit<OperationRecord, "steps">[] = [];
  readonly #calls = new Calls();
  /** Let through, and not delivered yet. */
  readonly #underway = new Set<GatedStep>();
  readonly #switches: Switch[] = [];
  readonly #pending: (readonly Choice[])[] = [];
  readonly #chosen: number[] = [];
  readonly #answers: Observed["answers"][number][] = [];
  readonly #commits: Commit[] = [];
  readonly #watchesCommits: boolean;
  readonly #publications: Publications;
  readonly #faults: Faults;
  readonly #waiters: Waiters;
  #last: Choice | undefined;
  /** Of what actors are held up by, in the order in which it began. */
  readonly #places: Place[] = [];
  /** Whether a step has ended that may have changed what an outside reader sees. */
  #published = false;
  readonly #outside = new Set<string>();
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #bell = new Bell();

  constructor(lane: Lane, assignment: Assignment, scheduler: Scheduler, limits: Limits) {
    this.#lane = lane;
    this.connections = lane.connections;
    this.clock = assignment.model.clock === "real" ? undefined : new VirtualClock();
    this.wantsCallers = assignment.observer !== undefined;
    this.#assignment = assignment;
    this.#scheduler = scheduler;
    this.#limits = limits;
    const { model, program, pool, implementation, record } = assignment;
    this.#watchesCommits = hasEveryCommit(model);
    this.#publications = new Publications(schemaText(model));
    this.#faults = new Faults(program);
    this.#waiters = new Waiters({
      lane,
      bell: this.#bell,
      limit: limits.statement,
      record,
      victimsFirst: assignment.keeper?.victimsFirst ?? true,
      deliver: (step, recorded) => this.#deliver(step, recorded),
    });
    this.#world = fromModel(model, "world", () => model.world?.(program.initial));
    this.#implementation = fromModel(model, `create of implementation "${implementation}"`, () =>
      model.implementations[implementation]?.create({ pool }),
    );
    this.#runs = program.actors.map(({ name, operations }) => ({
      name,
      calls: operations,
      pending: [],
      slots: new Set<number>(),
      busy: 0,
      queued: 0,
      operation: 0,
      crash: () => undefined,
      crashed: false,
      dead: new Set<number>(),
      done: true,
      early: 0,
      refused: 0,
    }));
  }

  async run(): Promise<Executed> {
    running.add(this);
    try {
      await this.#setUp();
      const displayBefore = await this.#display();
      await this.#assignment.observer?.look(this.#lane, undefined, undefined);
      for (const run of this.#runs) {
        this.#start(run).catch((error: unknown) => this.fail(error));
        await this.#settle();
      }
      while (await this.#advance());
      await this.#pause(undefined);
      this.#over = true;
      this.clock?.drop();
      const left = this.#assignment.keeper === undefined ? await this.connections.tidy() : [];
      const trace = await this.#trace(displayBefore);
      return {
        trace,
        world: this.#world,
        implementation: this.#implementation,
        pending: this.#pending,
        chosen: this.#chosen,
        answers: this.#answers,
        commits: this.#commits,
        left,
        uncontrolled: [...this.#outside],
        seen: await this.#look(trace),
      };
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      running.delete(this);
      this.#bell.silence();
    }
  }

  async #setUp(): Promise<void> {
    const { model, program, pool } = this.#assignment;
    const { setup } = model;
    if (setup === undefined) return;
    await this.#lane.pass("setup", () => setup({ pool, initial: program.initial, world: this.#world }));
  }

  /** The invariants that look by themselves. */
  async #look({ operations }: Trace): Promise<Executed["seen"]> {
    const { model, program, pool } = this.#assignment;
    const context = { pool, initial: program.initial, world: this.#world, implementation: this.#implementation };
    const seen = new Map<string, Broken | undefined>();
    for (const [name, invariant] of Object.entries(model.invariants)) {
      if (typeof invariant === "function" || !("look" in invariant)) continue;
      const look = () => lookWith(name, () => invariant.look({ ...context, operations }));
      seen.set(name, await this.#lane.pass(`invariant "${name}"`, look));
    }
    return seen;
  }

  // What the session room reports.

  arrived(step: GatedStep): void {
    const run = this.#runOf(step.actor);
    if (run?.dead.has(step.operation) === true) return;
    if (this.#over || run === undefined) {
      const error = this.tooLate(step.actor);
      if (error !== undefined) step.refuse(error);
      return;
    }
    run.pending.push(step);
    this.changed();
  }

  uncontrolled(what: string): void {
    this.#outside.add(what);
  }

  isDead({ actor, operation }: ActorContext): boolean {
    return this.#runOf(actor)?.dead.has(operation) === true;
  }

  get over(): boolean {
    return this.#over;
  }

  tooLate(actor: string): Error | undefined {
    const run = this.#runOf(actor);
    if (run === undefined || ++run.refused > refusals) return undefined;
    return new RaceproofError(`"${actor}" went on after its execution was over`);
  }

  crashed({ actor, operation }: ActorContext, error: unknown): void {
    const run = this.#runOf(actor);
    if (this.#over || run === undefined || run.crashed || run.dead.has(operation)) return;
    run.crashed = true;
    const { name, message } = thrown(error);
    // Not as Postgres' error, even where it is one: it reached nobody who could deal with it.
    const result = { threw: { name: `uncaught ${name}`, message, code: null } };
    const ended = this.#operations.findIndex((each) => each.actor === actor && each.index === operation);
    if (ended >= 0) this.#operations[ended] = { ...this.#operations[ended]!, result };
    run.crash(ended >= 0 ? { returned: null } : result);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.changed();
  }

  changed(): void {
    this.#bell.ring();
  }

  busy(actor: string): (then: () => void) => void {
    const over = this.#count(actor, "busy");
    const place: Place = { next: undefined };
    this.#places.push(place);
    return (next) => {
      place.next = () => {
        over();
        next();
      };
      for (let [first] = this.#places; first?.next !== undefined; [first] = this.#places) {
        this.#places.shift();
        first.next();
      }
    };
  }

  queued(actor: string): (then: () => void) => void {
    const over = this.#count(actor, "queued");
    return (next) => {
      over();
      next();
    };
  }

  takeSlot(actor: string): number {
    const slots = this.#runOf(actor)?.slots ?? new Set<number>();
    let slot = 1;
    while (slots.has(slot)) slot++;
    slots.add(slot);
    return slot;
  }

  giveBack(actor: string, slot: number): void {
    this.#runOf(actor)?.slots.delete(slot);
  }

  #count(actor: string, what: "busy" | "queued"): () => void {
    const run = this.#runOf(actor);
    if (run === undefined) return () => undefined;
    const lives = run.dead.size;
    run[what]++;
    return () => {
      // What a process that died was held up by is over already.
      if (run.dead.size === lives) run[what]--;
      this.changed();
    };
  }

  #runOf(actor: string): Run | undefined {
    return this.#runs.find(({ name }) => name === actor);
  }

  // The actors.

  async #start(run: Run): Promise<void> {
    const { model } = this.#assignment;
    run.done = false;
    for (const [index, call] of run.calls.entries()) {
      run.operation = index;
      const context: ActorContext = { gate: this, actor: run.name, operation: index };
      const result = await runAs(context, () => this.#operate(model, run, call));
      if (this.#over) return;
      this.#operations.push(this.#described({ actor: run.name, index, ...call, result }));
      if (run.crashed) break;
    }
    run.done = true;
    this.changed();
  }

  #described(record: Omit<OperationRecord, "steps">): Omit<OperationRecord, "steps"> {
    const { model } = this.#assignment;
    const label = fromModel(model, `describe of operation "${record.operation}"`, () => describeCall(model, record));
    return label === undefined ? record : { ...record, label };
  }

  async #operate(model: AnyModel, run: Run, call: OperationCall): Promise<OperationResult> {
    const { pool, program } = this.#assignment;
    const context = {
      implementation: this.#implementation,
      pool,
      world: this.#world,
      initial: program.initial,
      actor: run.name,
      call: <T>(name: string, parameters: Json, body: () => Promise<T>) => this.#call(run, name, parameters, body),
    };
    const operation = model.operations[call.operation];
    if (operation === undefined) throw new UsageError(`model "${model.name}" has no operation "${call.operation}"`);
    const crash = new Promise<OperationResult>((resolve) => {
      run.crash = resolve;
    });
    const result = async (): Promise<OperationResult> => {
      try {
        return { returned: toJson(await operation.run(context, call.parameters)) };
      } catch (error) {
        return { threw: thrown(error) };
      }
    };
    return Promise.race([result(), crash]);
  }

  /** A part of an operation that the model's reference knows: its answer, and which steps had been taken meanwhile. */
  async #call<T>(run: Run, name: string, parameters: Json, body: () => Promise<T>): Promise<T> {
    const { name: actor, operation } = run;
    const end = this.#calls.begin({ actor, operation, name, parameters, begin: this.#steps.length });
    try {
      const answer = await body();
      end({ returned: toJson(answer) }, this.#steps.length);
      return answer;
    } catch (error) {
      end({ threw: thrown(error) }, this.#steps.length);
      throw error;
    }
  }

  /** Waits until every actor has issued a statement, waits for somebody else, or is done. */
  async #settle(): Promise<void> {
    await immediate();
    if (this.#settled()) return;
    const begin = performance.now();
    for (;;) {
      await this.#bell.wait(1);
      await immediate();
      if (this.#settled()) return;
      const waited = performance.now() - begin;
      const busy = this.#isBusy;
      // Nothing of the outside world is under way: the actor waits for another one, inside the process (a mutex, say).
      if (!Execution.anyIsBusy() && waited > 20 && this.#choices().length > 0 && uncontrolledResources().length === 0)
        return;
      if (waited > (busy ? this.#limits.statement : this.#limits.uncontrolled)) throw this.#uncontrolled();
    }
  }

  get #isBusy(): boolean {
    return this.#runs.some((run) => run.busy > 0);
  }

  /** Libraries with a pool of their own may wait for a connection that was asked for in another lane's execution. */
  static anyIsBusy(): boolean {
    return [...running].some((each) => each.#isBusy);
  }

  #settled(): boolean {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#runs.every((run) => run.busy === 0 && (run.done || this.#waits(run) || this.#sleeps(run)));
  }

  /** Whether an actor waits for something that is not up to it: its turn, a connection, a lock. */
  #waits({ name, pending, queued }: Run): boolean {
    return pending.length > 0 || queued > 0 || this.#waiters.has(name);
  }

  /** Whether an actor waits for nothing but time: what else it may wait for would be seen. */
  #sleeps({ name }: Run): boolean {
    return this.clock?.has(name) === true && !Execution.anyIsBusy() && uncontrolledResources().length === 0;
  }

  #uncontrolled(): RaceproofError {
    const run = this.#runs.find(
      (candidate) =>
        candidate.busy > 0 || (!candidate.done && candidate.pending.length === 0 && candidate.queued === 0),
    )!;
    const call = run.calls[run.operation];
    if (run.busy > 0)
      return new PostgresError(
        `"${run.name}" could not open a connection to Postgres within ${this.#limits.statement} ms`,
      );
    const last = this.#steps.findLast((step) => step.actor === run.name);
    const after = last === undefined ? "before its first statement" : `after: ${last.text.trim()}`;
    const what = uncontrolledResources().join(", ") || "a promise that nothing resolves";
    return new RaceproofError(
      `"${run.name}" did something that raceproof does not control for more than ${this.#limits.uncontrolled} ms (${what}), in operation "${call?.operation}", ${after}`,
    );
  }

  // The steps.

  /** Pending steps, actors in the program's order, then sessions; of steps in one session only the first. */
  #choices(): GatedStep[] {
    const choices: GatedStep[] = [];
    for (const { pending } of this.#runs) choices.push(...(pending.length < 2 ? pending : headsOf(pending)));
    if (this.clock?.some === true) choices.push(...this.#timers(choices.length === 0));
    return choices;
  }

  /**
   * Timers of actors that wait for nothing else, the first to be due before the others: a client's own timeout does not
   * fire while its statement is under way.
   *
   * @param alone Whether nothing else could be done; else those that fired often enough in front of others wait for that.
   */
  #timers(alone: boolean): GatedStep[] {
    return this.#runs
      .filter((run) => !run.done && run.busy === 0 && !this.#waits(run) && (alone || run.early < mostEarly))
      .flatMap(({ name }) => this.clock!.next(name) ?? [])
      .toSorted((a, b) => a.due - b.due)
      .map(({ step }) => step);
  }

  /** Takes the next step; false once there is none and nobody waits. */
  #advance(): Promise<boolean> | boolean {
    const steps = this.#choices();
    if (this.clock?.endless === true)
      return this.#endStuck("timers fired a thousand times, and what is waited for never came");
    if (steps.length > 0) return this.#take(this.#faults.some ? [...steps, ...this.#faults.choices(steps)] : steps);
    if (this.#waiters.some) return this.#awaitWaiters();
    if (this.#runs.every(({ done }) => done)) return false;
    const stuck = this.#runs.filter(({ queued }) => queued > 0).map(({ name }) => `"${name}"`);
    if (stuck.length > 0)
      return this.#endStuck(`${stuck.join(" and ")} wait for a connection from a pool that nobody gives back to`);
    throw this.#uncontrolled();
  }

  async #awaitWaiters(): Promise<boolean> {
    const { keeper } = this.#assignment;
    keeper?.onlyWaiters(this.#waiters.pids);
    const patience = keeper === undefined ? this.#patience() : this.#limits.statement;
    return (await this.#waiters.awaitAny(patience)) || this.#endStuck(this.#waiters.describe());
  }

  /** How long to wait for a wait to end by itself: without a timeout of its own none does, as deadlocks are seen at once. */
  #patience(): number {
    const timeouts =
      schemaText(this.#assignment.model).includes("timeout") ||
      this.#steps.some(({ text }) => text.includes("timeout"));
    return timeouts || this.connections.haveTimeouts ? this.#limits.statement : stuckAfter;
  }

  /** Nothing will ever move again: what the actors are at is over, and everybody may know. */
  async #endStuck(reason: string): Promise<false> {
    for (const { name: actor, operation: index, done, calls } of this.#runs) {
      if (done) continue;
      const result: OperationResult = { threw: { name: stuck, message: reason, code: null } };
      this.#operations.push(this.#described({ actor, index, ...calls[index]!, result }));
    }
    this.#calls.cut(this.#steps.length);
    await this.#abandon();
    return false;
  }

  async #take(choices: readonly (GatedStep | FaultChoice)[]): Promise<true> {
    const chosen = this.#scheduler.choose(choices, this.#last);
    if (chosen === waitForWaiters && this.#waiters.some) {
      await this.#awaitWaiters();
      return true;
    }
    const choice = choices[chosen];
    if (choice === undefined) throw new RangeError(`the strategy chose step ${chosen} of ${choices.length}`);
    if (this.#assignment.pause !== undefined) await this.#pause(choice);
    const [step, fault] = "step" in choice ? [choice.step, choice.fault] : [choice, undefined];
    const index = this.#steps.length;
    this.#chosen.push(chosen);
    if (chosen !== defaultChoice(choices, this.#last))
      this.#switches.push({ step: index, to: choice.session, ...(fault === undefined ? {} : { fault }) });
    this.#pending.push(choices);
    this.#last = choice;
    if ("step" in choice) this.#faults.use(choice);
    const record = newRecord(step, index, fault);
    this.#steps.push(record);
    this.#waiters.pause();
    if (fault === "crash") await this.#crash(record);
    else await this.#letThrough(step, record);
    // Mostly there is nothing to wait for, and every await costs.
    if (this.#waiters.some) await this.#waiters.release(index);
    if (this.#published) await this.#watch(index);
    if (this.#assignment.record) await this.#addDisplay(record);
    if (this.#assignment.observer !== undefined) await this.#assignment.observer.look(this.#lane, record, step.stack);
    return true;
  }

  async #pause(next: Choice | undefined): Promise<void> {
    const { pause } = this.#assignment;
    await pause?.({
      taken: this.#steps.length,
      last: this.#steps.at(-1),
      next,
      waiting: this.#waiters.sessions,
      address: this.#lane.address,
    });
  }

  async #letThrough(step: GatedStep, record: Recorded): Promise<void> {
    const { fault, text } = record;
    const { pending } = this.#runOf(step.actor)!;
    if (isTimer(step)) this.#noteEarly(step);
    else pending.splice(pending.indexOf(step), 1);
    this.clock?.tick();
    this.#underway.add(step);
    if (step.kind === "statement") this.#lane.noteStatement(text);
    step.go(fault === "serialization failure" || fault === "deadlock" ? failureOf(fault, text) : undefined);
    const waiting = await this.#waiters.answerOrWait(step, 0);
    if (waiting === undefined) await this.#deliver(step, record);
    else await this.#waiters.add(step, record, waiting);
  }

  /** A timer that fires although others had something to do. */
  #noteEarly({ actor }: GatedStep): void {
    if (this.#runs.some(({ pending }) => pending.length > 0)) this.#runOf(actor)!.early++;
  }

  /** The actor's process dies: its connections are cut, Postgres rolls back, and nothing of the operation goes on. */
  async #crash(record: Recorded): Promise<void> {
    const run = this.#runOf(record.actor)!;
    record.kind = "crash";
    record.session = run.name;
    run.dead.add(run.operation);
    run.pending.length = 0;
    run.queued = 0;
    for (const step of this.#underway) if (step.actor === run.name) this.#underway.delete(step);
    this.#waiters.drop(run.name);
    this.clock?.drop(run.name);
    await this.#lane.awaitEnd(this.connections.cut(run.name));
    this.#calls.cut(this.#steps.length, run.name);
    const { model } = this.#assignment;
    this.#answered(record, false);
    fromModel(model, "crashed", () => model.crashed?.({ world: this.#world, actor: run.name }));
    run.crash({ crashed: true });
    await this.#settle();
  }

  async #deliver(step: GatedStep, record: Recorded): Promise<void> {
    if (record.fault === "lost answer") await this.#lane.awaitEnd(await step.lose());
    const { outcome } = step;
    if (outcome === undefined) throw new RaceproofError("a step was delivered before it answered");
    const { rows } = step;
    const keep = this.#assignment.record && outcome.kind === "rows" && rows !== undefined && rows.length > 0;
    record.outcome = keep ? { ...outcome, rows: rows.slice(0, 5).map((value) => toJson(value)) } : outcome;
    record.transaction = step.transaction;
    this.#underway.delete(step);
    this.#answered(record, record.wait !== null);
    if (this.#watchesCommits && this.#publications.note(record)) this.#published = true;
    if (outcome.kind === "error" && step.lost && this.#assignment.keeper === undefined) {
      throw new PostgresError(
        `the connection of "${step.session}" was lost (${outcome.message}) during: ${step.text.trim()}`,
      );
    }
    step.deliver();
    await this.#settle();
  }

  #answered({ index, transaction, outcome }: Recorded, waited: boolean): void {
    const after = { transaction, outcome, waited };
    this.#answers.push({ step: index, during: this.#steps.length - 1, after });
    this.#scheduler.taken?.(this.#pending[index]![this.#chosen[index]!]!, after);
  }

  // The record.

  /** Keeps what an outside reader sees now, if that may have changed. */
  async #watch(step: number): Promise<void> {
    this.#published = false;
    const state = await this.#lane.state();
    if (state !== undefined) this.#commits.push({ step, state: state as Commit["state"] });
  }

  async #display(): Promise<Readonly<Record<string, string>> | undefined> {
    if (!this.#assignment.record) return undefined;
    const state = await this.#lane.state();
    const { display } = this.#assignment.model;
    if (state === undefined) return undefined;
    if (display !== undefined) return display(state);
    return Object.fromEntries(
      Object.entries(state).map(([name, rows]) => [
        name,
        rows.map((row) => Object.values(row).map(String).join(" ")).join("\n"),
      ]),
    );
  }

  async #addDisplay(record: Recorded): Promise<void> {
    const display = await this.#display();
    if (display !== undefined) record.display = display;
  }

  async #trace(displayBefore: Readonly<Record<string, string>> | undefined): Promise<Trace> {
    const state: State | undefined = await this.#lane.state();
    if (state === undefined) throw new PostgresError("the tables are locked although every actor is done");
    const calls = this.#calls.records;
    return {
      steps: this.#steps,
      operations: withSteps(this.#operations, this.#steps),
      ...(calls.length === 0 ? {} : { calls }),
      schedule: this.#switches,
      state: state as Trace["state"],
      ...(displayBefore === undefined ? {} : { displayBefore }),
    };
  }

  /**
   * Ends what is still under way, so that the lane is fit for another execution: first the backends, with what they have
   * locked, then the code under test, which gets errors for what it waits for.
   */
  async #abandon(): Promise<void> {
    this.#over = true;
    this.#waiters.resume();
    await this.#lane.endBackends().catch(() => undefined);
    const error = new RaceproofError("the execution was abandoned");
    const waitingFor = [...this.#underway, ...this.#runs.flatMap(({ pending }) => pending)];
    for (const step of waitingFor) step.refuse(error);
    await immediate();
    await this.connections.close();
  }
}

/** Of steps in one session only the first may be taken. */
function headsOf(pending: readonly GatedStep[]): GatedStep[] {
  const heads = new Map<string, GatedStep>();
  for (const step of pending) if (!heads.has(step.session)) heads.set(step.session, step);
  // Numbers of connections have no leading zeros, so the shorter name is the smaller number.
  return [...heads.values()].toSorted(
    (a, b) => a.session.length - b.session.length || (a.session < b.session ? -1 : 1),
  );
}
