import { setImmediate as immediate } from "node:timers/promises";
import type { Pool } from "pg";
import { PostgresError, RaceproofError, UsageError } from "../errors.js";
import { runAs, type ActorContext } from "../session/context.js";
import type { Gate, GatedStep } from "../session/gate.js";
import { uncontrolledResources } from "../session/uncontrolled.js";
import { defaultChoice, type Switch } from "../strategy/schedule.js";
import type { Choice, Scheduler } from "../strategy/strategy.js";
import { Bell } from "./bell.js";
import { toJson } from "./json.js";
import type { Lane, Waiting } from "./lane.js";
import { describeCall, fromModel, type AnyModel } from "./model.js";
import type { Json, OperationCall, Program } from "./program.js";
import type { CallRecord, OperationRecord, OperationResult, Step, Thrown, Trace, Wait } from "./trace.js";

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
}

/** How long is waited for what is not under control, in milliseconds. */
export interface Limits {
  /** For an actor that neither issues a statement nor ends. */
  readonly uncontrolled: number;
  /** For a statement that neither answers nor waits for a lock of ours. */
  readonly statement: number;
}

export const defaultLimits: Limits = { uncontrolled: 2_000, statement: 10_000 };

export interface Executed {
  readonly trace: Trace;
  /** What the model's `world` made, as the execution left it. */
  readonly world: unknown;
  /** What the implementation's `create` made. */
  readonly implementation: unknown;
  /** Names of the sessions that had a pending step, for each step. */
  readonly pending: readonly (readonly string[])[];
  /** What the code under test left behind, in words. */
  readonly left: readonly string[];
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
  crash: (result: OperationRecord["result"]) => void;
  crashed: boolean;
  /** Has nothing (more) to do; true before it starts. */
  done: boolean;
  /** How many calls were refused since the execution ended. */
  refused: number;
}

/** Of something that an actor is held up by, among others. */
interface Place {
  /** What happens when its turn comes; undefined while it is not over. */
  next: (() => void) | undefined;
}

/** A step that was let through and waits for a lock. */
interface Blocked {
  readonly step: GatedStep;
  readonly record: Recorded;
  readonly run: Run;
  /** Backends that hold it up. */
  holders: readonly number[];
  /** How many of its lock waits are known. */
  seen: number;
}

/** How long a deadlock's victim may take to be found, in milliseconds, before the others are looked at again. */
const victimsPatience = 100;

/** Late calls of one actor that are told so: enough for its `finally` blocks, and an end to a loop that retries for ever. */
const refusals = 10;

type Recorded = { -readonly [Key in keyof Step]: Step[Key] };

class Execution implements Gate {
  readonly connections;
  readonly #lane: Lane;
  readonly #assignment: Assignment;
  readonly #scheduler: Scheduler;
  readonly #limits: Limits;
  readonly #runs: readonly Run[];
  readonly #world: unknown;
  readonly #implementation: unknown;
  readonly #steps: Recorded[] = [];
  readonly #operations: Omit<OperationRecord, "steps">[] = [];
  readonly #calls: CallRecord[] = [];
  /** Let through, and not delivered yet. */
  readonly #underway = new Set<GatedStep>();
  readonly #switches: Switch[] = [];
  readonly #pending: (readonly string[])[] = [];
  /** In the order in which they began to wait. */
  #blocked: Blocked[] = [];
  #last: Choice | undefined;
  /** Of what actors are held up by, in the order in which it began. */
  readonly #places: Place[] = [];
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #bell = new Bell();

  constructor(lane: Lane, assignment: Assignment, scheduler: Scheduler, limits: Limits) {
    this.#lane = lane;
    this.connections = lane.connections;
    this.#assignment = assignment;
    this.#scheduler = scheduler;
    this.#limits = limits;
    const { model, program, pool, implementation } = assignment;
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
      done: true,
      refused: 0,
    }));
  }

  async run(): Promise<Executed> {
    try {
      const displayBefore = await this.#display();
      for (const run of this.#runs) {
        this.#start(run).catch((error: unknown) => this.fail(error));
        await this.#settle();
      }
      while (await this.#advance());
      this.#over = true;
      const left = await this.connections.tidy();
      const trace = await this.#trace(displayBefore);
      return { trace, world: this.#world, implementation: this.#implementation, pending: this.#pending, left };
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      this.#bell.silence();
    }
  }

  // What the session room reports.

  arrived(step: GatedStep): void {
    const run = this.#runOf(step.actor);
    if (this.#over || run === undefined) {
      const error = this.tooLate(step.actor);
      if (error !== undefined) step.refuse(error);
      return;
    }
    run.pending.push(step);
    this.changed();
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
    if (this.#over || run === undefined || run.crashed) return;
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
    run[what]++;
    return () => {
      run[what]--;
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
      const label = fromModel(model, `describe of operation "${call.operation}"`, () => describeCall(model, call));
      this.#operations.push({ actor: run.name, index, ...call, ...(label === undefined ? {} : { label }), result });
      if (run.crashed) break;
    }
    run.done = true;
    this.changed();
  }

  async #operate(model: AnyModel, run: Run, call: OperationCall): Promise<OperationRecord["result"]> {
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
    const crash = new Promise<OperationRecord["result"]>((resolve) => {
      run.crash = resolve;
    });
    const result = async (): Promise<OperationRecord["result"]> => {
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
    const { operation } = run;
    const begin = this.#steps.length;
    const ended = (result: OperationResult) =>
      this.#calls.push({ actor: run.name, operation, name, parameters, begin, end: this.#steps.length, result });
    try {
      const answer = await body();
      ended({ returned: toJson(answer) });
      return answer;
    } catch (error) {
      ended({ threw: thrown(error) });
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
      const busy = this.#runs.some((run) => run.busy > 0);
      // Nothing of the outside world is under way: the actor waits for another one, inside the process (a mutex, say).
      if (!busy && waited > 20 && this.#choices().length > 0 && uncontrolledResources().length === 0) return;
      if (waited > (busy ? this.#limits.statement : this.#limits.uncontrolled)) throw this.#uncontrolled();
    }
  }

  #settled(): boolean {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#runs.every(
      (run) =>
        run.busy === 0 &&
        (run.done || run.pending.length > 0 || run.queued > 0 || this.#blocked.some((blocked) => blocked.run === run)),
    );
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
    return this.#runs.flatMap(({ pending }) => {
      if (pending.length < 2) return pending;
      const heads = new Map<string, GatedStep>();
      for (const step of pending) if (!heads.has(step.session)) heads.set(step.session, step);
      // Numbers of connections have no leading zeros, so the shorter name is the smaller number.
      return [...heads.values()].toSorted(
        (a, b) => a.session.length - b.session.length || (a.session < b.session ? -1 : 1),
      );
    });
  }

  /** Takes the next step; false once there is none and nobody waits. */
  async #advance(): Promise<boolean> {
    const choices = this.#choices();
    if (choices.length > 0) {
      await this.#take(choices);
      return true;
    }
    if (this.#blocked.length > 0) {
      await this.#awaitWaiters();
      return true;
    }
    if (this.#runs.every(({ done }) => done)) return false;
    const stuck = this.#runs.filter(({ queued }) => queued > 0).map(({ name }) => name);
    if (stuck.length > 0)
      throw new RaceproofError(
        `${stuck.join(" and ")} wait for a connection from a pool that nobody gives back: every connection is checked out`,
      );
    throw this.#uncontrolled();
  }

  async #take(choices: readonly GatedStep[]): Promise<void> {
    const chosen = this.#scheduler.choose(choices, this.#last);
    const step = choices[chosen];
    if (step === undefined) throw new RangeError(`the strategy chose step ${chosen} of ${choices.length}`);
    const index = this.#steps.length;
    if (chosen !== defaultChoice(choices, this.#last)) this.#switches.push({ step: index, to: step.session });
    this.#pending.push(choices.map(({ session }) => session));
    this.#last = step;
    const run = this.#runOf(step.actor)!;
    run.pending.splice(run.pending.indexOf(step), 1);
    const record = newRecord(step, index);
    this.#steps.push(record);

    this.#underway.add(step);
    this.#lane.pause(this.#blockedPids());
    step.go();
    const waiting = await this.#answerOrWait(step, 0);
    if (waiting === undefined) await this.#deliver(step, record);
    else await this.#block({ step, record, run, holders: waiting.blockers, seen: step.waits }, waiting);
    await this.#release(index);
    await this.#addDisplay(record);
  }

  /**
   * Resolves to undefined once the step has answered, to the wait if it waits for a lock of ours. A wait is believed when
   * Postgres reports it, which it does once its deadlock check has passed: two waits that began together would otherwise
   * leave to chance which of them finds the deadlock.
   *
   * @param known How many of its waits were reported and are over.
   */
  async #answerOrWait(step: GatedStep, known: number): Promise<Waiting | undefined> {
    const begin = performance.now();
    let seen = known;
    let pause = this.#lane.waitsAreReported ? 25 : 1;
    for (;;) {
      if (step.outcome !== undefined) return undefined;
      const reported = step.waits > seen;
      if (reported || !(await this.#bell.wait(pause))) {
        seen = step.waits;
        if (!reported) pause = Math.min(pause * 2, 100);
        const waiting = await this.#waitingOf(step);
        if (step.outcome !== undefined) return undefined;
        if (waiting !== undefined) return waiting;
      }
      if (performance.now() - begin > this.#limits.statement) {
        throw new RaceproofError(
          `a statement of "${step.actor}" has not answered for ${this.#limits.statement} ms, and no lock of ours holds it up: ${step.text.trim()}`,
        );
      }
    }
  }

  async #waitingOf(step: GatedStep): Promise<Waiting | undefined> {
    if (step.pid === null) return undefined;
    const [waiting] = await this.#lane.waiting([step.pid]);
    return waiting !== undefined && this.#ourBlockers(waiting).length > 0 ? waiting : undefined;
  }

  #ourBlockers(waiting: Waiting): readonly number[] {
    return waiting.blockers.filter((pid) => this.connections.sessionByPid(pid) !== undefined);
  }

  async #block(blocked: Blocked, waiting: Waiting): Promise<void> {
    const { step, record } = blocked;
    record.wait = {
      holders: this.#names(waiting.blockers),
      lock: waiting.lock ?? step.lastWait?.lock ?? "a lock",
      on: await this.#lockedObject(step, waiting),
      until: null,
    };
    this.#blocked.push(blocked);
  }

  /**
   * Of a deadlock Postgres chooses the victim: the one that closed it. Until it has, nothing else may move.
   *
   * @returns Whether there was one.
   */
  async #victim(): Promise<boolean> {
    if (!this.#blocked.some((blocked) => this.#inCycle(blocked))) return false;
    if (await this.#bell.wait(victimsPatience)) return true;
    // Postgres may have put the waiters into another order, which they have to notice.
    this.#lane.resume(this.#blockedPids());
    await this.#changeOrGiveUp();
    return true;
  }

  #blockedPids(): number[] {
    return this.#blocked.map(({ step }) => step.pid!);
  }

  /** In alphabetical order: Postgres lists those that share a lock as it finds them. */
  #names(pids: readonly number[]): string[] {
    const names = pids.map((pid) => this.connections.sessionByPid(pid)?.holder?.name ?? `backend ${pid}`);
    return [...new Set(names)].toSorted();
  }

  async #lockedObject(step: GatedStep, waiting: Waiting): Promise<string | null> {
    const where = step.lastWait?.where ?? "";
    const index = /while inserting index tuple .* in relation "(.+)"/.exec(where)?.[1];
    if (index !== undefined) return `a key of ${index}`;
    const tuple = /tuple (\(\d+,\d+\)) in relation "(.+)"/.exec(where);
    const row =
      waiting.row ??
      (tuple?.[1] !== undefined && tuple[2] !== undefined ? { ctid: tuple[1], relation: tuple[2] } : null);
    if (row === null) return null;
    return this.#assignment.record ? this.#lane.describeRow(row) : row.relation;
  }

  #inCycle(start: Blocked): boolean {
    const byPid = new Map(this.#blocked.map((blocked) => [blocked.step.pid, blocked]));
    const seen = new Set<Blocked>();
    const queue = [...start.holders];
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      const next = byPid.get(pid);
      if (next === start) return true;
      if (next === undefined || seen.has(next)) continue;
      seen.add(next);
      queue.push(...next.holders);
    }
    return false;
  }

  async #changeOrGiveUp(): Promise<void> {
    if (await this.#bell.wait(this.#limits.statement)) return;
    const waits = this.#blocked.map(
      ({ step, holders }) =>
        `"${step.session}" waits for a lock that ${this.#names(holders).join(" and ")} holds, in: ${step.text.trim()}`,
    );
    throw new RaceproofError(`nothing has moved for ${this.#limits.statement} ms; ${waits.join("; ")}`);
  }

  /** Only waiters are left: a lock timeout, or a deadlock that Postgres has yet to see, will move one of them. */
  async #awaitWaiters(): Promise<void> {
    while (this.#blocked.every(({ step }) => step.outcome === undefined)) await this.#changeOrGiveUp();
    await this.#release(null);
  }

  /**
   * After a step: lets every waiter that it set free come to its answer or to its next wait, one after the other in the
   * order in which they had begun to wait. What a COMMIT lets go is granted before it answers, so whoever is still held
   * up by one of ours now stays so. Postgres itself would have them run on all at once: of two that wait for one row, the
   * first gives up its place in the line before it locks the row's new version, and the second may be faster.
   *
   * @param by Index of the step that may have set them free.
   */
  async #release(by: number | null): Promise<void> {
    for (;;) {
      const answered = this.#blocked.find(({ step }) => step.outcome !== undefined);
      if (answered !== undefined) {
        // One at a time: an actor whose answer is yet to be delivered counts as waiting, or nobody would settle.
        this.#blocked = this.#blocked.filter((blocked) => blocked !== answered);
        await this.#deliverLate(answered, by);
        continue;
      }
      const freed = await this.#firstFreed();
      if (freed !== undefined) await this.#letGo(freed);
      else if (this.#blocked.every(({ step }) => step.outcome === undefined) && !(await this.#victim())) break;
    }
    this.#lane.resume(this.#blockedPids());
  }

  async #deliverLate({ step, record }: Blocked, by: number | null): Promise<void> {
    const until = record.index === by || endsItself(step) ? null : by;
    if (record.wait !== null) record.wait = { ...record.wait, until };
    await this.#deliver(step, record);
  }

  /** The first of the waiters that no longer has to wait. */
  async #firstFreed(): Promise<Blocked | undefined> {
    if (this.#blocked.length === 0) return undefined;
    const waiting = new Map((await this.#lane.waiting(this.#blockedPids())).map((found) => [found.pid, found]));
    return this.#blocked.find((blocked) => {
      const found = waiting.get(blocked.step.pid!);
      blocked.holders = found?.blockers ?? [];
      if (found === undefined || this.#ourBlockers(found).length === 0) return true;
      blocked.seen = blocked.step.waits;
      return false;
    });
  }

  /** Until it answers or waits again. */
  async #letGo(blocked: Blocked): Promise<void> {
    const { step } = blocked;
    this.#lane.resume([step.pid!]);
    const waiting = await this.#answerOrWait(step, blocked.seen);
    if (waiting === undefined) return;
    blocked.holders = waiting.blockers;
    blocked.seen = step.waits;
    this.#lane.pause([step.pid!]);
  }

  async #deliver(step: GatedStep, record: Recorded): Promise<void> {
    const { outcome } = step;
    if (outcome === undefined) throw new RaceproofError("a step was delivered before it answered");
    const { rows } = step;
    const keep = this.#assignment.record && outcome.kind === "rows" && rows !== undefined && rows.length > 0;
    record.outcome = keep ? { ...outcome, rows: rows.slice(0, 5).map((value) => toJson(value)) } : outcome;
    record.transaction = step.transaction;
    this.#underway.delete(step);
    if (outcome.kind === "error" && step.lost) {
      throw new PostgresError(
        `the connection of "${step.session}" was lost (${outcome.message}) during: ${step.text.trim()}`,
      );
    }
    step.deliver();
    await this.#settle();
  }

  // The record.

  async #display(): Promise<Readonly<Record<string, string>> | undefined> {
    if (!this.#assignment.record) return undefined;
    const state = await this.#lane.glimpse();
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
    const state = await this.#lane.state();
    return {
      steps: this.#steps,
      operations: this.#operations
        .map(({ result, ...record }): OperationRecord => ({ ...record, steps: this.#stepsOf(record), result }))
        .toSorted((a, b) => (a.steps?.[0] ?? Infinity) - (b.steps?.[0] ?? Infinity) || 0),
      ...(this.#calls.length === 0 ? {} : { calls: this.#calls }),
      schedule: this.#switches,
      state: state as Trace["state"],
      ...(displayBefore === undefined ? {} : { displayBefore }),
    };
  }

  #stepsOf({ actor, index }: Pick<OperationRecord, "actor" | "index">): OperationRecord["steps"] {
    const own = this.#steps.filter((step) => step.actor === actor && step.operation === index);
    return own.length === 0 ? null : [own[0]!.index, own.at(-1)!.index];
  }

  /**
   * Ends what is still under way, so that the lane is fit for another execution: first the backends, with what they have
   * locked, then the code under test, which gets errors for what it waits for.
   */
  async #abandon(): Promise<void> {
    this.#over = true;
    this.#lane.resume(this.#blockedPids());
    await this.#lane.endBackends().catch(() => undefined);
    const error = new RaceproofError("the execution was abandoned");
    const waitingFor = [...this.#underway, ...this.#runs.flatMap(({ pending }) => pending)];
    for (const step of waitingFor) step.refuse(error);
    await immediate();
    await this.connections.close();
  }
}

function newRecord(step: GatedStep, index: number): Recorded {
  return {
    index,
    actor: step.actor,
    session: step.session,
    operation: step.operation,
    kind: step.kind,
    text: step.text,
    values: step.values.map((value) => toJson(value)),
    outcome: { kind: "passed" },
    wait: null as Wait | null,
    transaction: "none",
  };
}

/** Whether a wait ended without anybody giving up the lock: as a deadlock's victim, by a timeout, or cancelled. */
function endsItself({ outcome }: GatedStep): boolean {
  return outcome?.kind === "error" && ["40P01", "55P03", "57014"].includes(outcome.code ?? "");
}

function thrown(error: unknown): Thrown {
  if (!(error instanceof Error)) return { name: "non-error", message: String(error), code: null };
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return {
    name: error.name,
    message: error.message,
    code: typeof code === "string" && severity !== undefined ? code : null,
  };
}
