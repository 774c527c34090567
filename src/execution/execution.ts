import { setImmediate as immediate } from "node:timers/promises";
import { PostgresError, RaceproofError } from "../errors.js";
import type { ActorContext } from "../session/context.js";
import type { Gate, GatedStep } from "../session/gate.js";
import { isTimer } from "../session/timer-step.js";
import { VirtualClock } from "../session/virtual-clock.js";
import { waitForWaiters, type Choice, type Scheduler } from "../strategy/strategy.js";
import { Actors } from "./actors.js";
import { defaultLimits, type Assignment, type Executed, type Limits } from "./assignment.js";
import { Bell } from "./bell.js";
import { failureOf, Faults, type FaultChoice } from "./faults.js";
import { toJson } from "./json.js";
import type { Lane } from "./lane.js";
import { fromModel, schemaText, type Broken } from "./model.js";
import { lookWith } from "./look.js";
import { Operations, type Made } from "./operations.js";
import type { Recorded } from "./record.js";
import { Recording } from "./recording.js";
import { Settling } from "./settling.js";
import type { Trace } from "./trace.js";
import { Waiters } from "./waiters.js";

export { defaultLimits } from "./assignment.js";
export type { Assignment, Executed, Keeper, Limits, Moment, Observer, Pause } from "./assignment.js";
export { stuck } from "./operations.js";

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

/** How long nothing may move before nothing ever will, in milliseconds, where no timeout is set that could move it. */
const stuckAfter = 250;

/** Late calls of one actor that are told so: enough for its `finally` blocks, and an end to a loop that retries for ever. */
const refusals = 10;

class Execution implements Gate {
  readonly connections;
  readonly clock;
  readonly wantsCallers: boolean;
  readonly #lane: Lane;
  readonly #assignment: Assignment;
  readonly #scheduler: Scheduler;
  readonly #limits: Limits;
  readonly #made: Made;
  readonly #actors: Actors;
  readonly #operations: Operations;
  readonly #recording: Recording;
  readonly #settling: Settling;
  readonly #faults: Faults;
  readonly #waiters: Waiters;
  /** Let through, and not delivered yet. */
  readonly #underway = new Set<GatedStep>();
  readonly #outside = new Set<string>();
  #over = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #bell = new Bell();

  constructor(lane: Lane, assignment: Assignment, scheduler: Scheduler, limits: Limits) {
    const { model, program, pool, implementation, record, keeper, observer } = assignment;
    this.#lane = lane;
    this.connections = lane.connections;
    this.clock = model.clock === "real" ? undefined : new VirtualClock();
    this.wantsCallers = observer !== undefined;
    this.#assignment = assignment;
    this.#scheduler = scheduler;
    this.#limits = limits;
    this.#faults = new Faults(program);
    this.#recording = new Recording(lane, assignment);
    this.#waiters = new Waiters({
      lane,
      bell: this.#bell,
      limit: limits.statement,
      record,
      victimsFirst: keeper?.victimsFirst ?? true,
      deliver: (step, recorded) => this.#deliver(step, recorded),
    });
    this.#actors = new Actors(program, {
      clock: this.clock,
      isBlocked: (actor) => this.#waiters.has(actor),
      changed: () => this.changed(),
    });
    this.#settling = new Settling({
      actors: this.#actors,
      clock: this.clock,
      bell: this.#bell,
      limits,
      check: () => this.#check(),
      lastStepOf: (actor) => this.#recording.lastStepOf(actor),
    });
    this.#made = {
      world: fromModel(model, "world", () => model.world?.(program.initial)),
      implementation: fromModel(model, `create of implementation "${implementation}"`, () =>
        model.implementations[implementation]?.create({ pool }),
      ),
    };
    this.#operations = new Operations(assignment, this.#made, () => this.#recording.steps.length);
  }

  async run(): Promise<Executed> {
    this.#settling.begin();
    try {
      await this.#setUp();
      await this.#recording.begin();
      await this.#assignment.observer?.look(this.#lane, undefined, undefined);
      for (const run of this.#actors.runs) {
        this.#operations.perform(run, this).catch((error: unknown) => this.fail(error));
        await this.#settling.settle();
      }
      while (await this.#advance());
      await this.#pause(undefined);
      this.#over = true;
      this.clock?.drop();
      const left = this.#assignment.keeper === undefined ? await this.connections.tidy() : [];
      const trace = await this.#recording.trace(this.#operations);
      const { pending, chosen, answers, commits } = this.#recording;
      const seen = await this.#look(trace);
      return { trace, ...this.#made, pending, chosen, answers, commits, left, uncontrolled: [...this.#outside], seen };
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      this.#settling.end();
      this.#bell.silence();
    }
  }

  async #setUp(): Promise<void> {
    const { model, program, pool } = this.#assignment;
    const { setup } = model;
    if (setup === undefined) return;
    await this.#lane.pass("setup", () => setup({ pool, initial: program.initial, world: this.#made.world }));
  }

  /** The invariants that look by themselves. */
  async #look({ operations }: Trace): Promise<Executed["seen"]> {
    const { model, program, pool } = this.#assignment;
    const context = { pool, initial: program.initial, ...this.#made };
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
    const run = this.#actors.of(step.actor);
    if (run?.dead.has(step.operation) === true) return;
    if (this.#over || run === undefined) {
      const error = this.tooLate(step.actor);
      if (error !== undefined) step.refuse(error);
      return;
    }
    run.pending.push(step);
    this.changed();
  }

  changed(): void {
    this.#bell.ring();
  }

  busy(actor: string): (then: () => void) => void {
    return this.#actors.busy(actor);
  }

  queued(actor: string): (then: () => void) => void {
    return this.#actors.queued(actor);
  }

  takeSlot(actor: string): number {
    return this.#actors.takeSlot(actor);
  }

  giveBack(actor: string, slot: number): void {
    this.#actors.giveBack(actor, slot);
  }

  uncontrolled(what: string): void {
    this.#outside.add(what);
  }

  isDead({ actor, operation }: ActorContext): boolean {
    return this.#actors.of(actor)?.dead.has(operation) === true;
  }

  get over(): boolean {
    return this.#over;
  }

  tooLate(actor: string): Error | undefined {
    const run = this.#actors.of(actor);
    if (run === undefined || ++run.refused > refusals) return undefined;
    return new RaceproofError(`"${actor}" went on after its execution was over`);
  }

  crashed({ actor, operation }: ActorContext, error: unknown): void {
    const run = this.#actors.of(actor);
    if (this.#over || run === undefined || run.crashed || run.dead.has(operation)) return;
    this.#operations.fail(run, operation, error);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.changed();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  // The steps.

  /** Takes the next step; false once there is none and nobody waits. */
  #advance(): Promise<boolean> | boolean {
    const steps = this.#actors.choices();
    if (this.clock?.endless === true)
      return this.#endStuck("timers fired a thousand times, and what is waited for never came");
    if (steps.length > 0) return this.#take(this.#faults.some ? [...steps, ...this.#faults.choices(steps)] : steps);
    if (this.#waiters.some) return this.#awaitWaiters();
    if (this.#actors.areDone) return false;
    const queued = this.#actors.runs.filter((run) => run.queued > 0).map(({ name }) => `"${name}"`);
    if (queued.length > 0)
      return this.#endStuck(`${queued.join(" and ")} wait for a connection from a pool that nobody gives back to`);
    throw this.#settling.uncontrolled();
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
      this.#recording.steps.some(({ text }) => text.includes("timeout"));
    return timeouts || this.connections.haveTimeouts ? this.#limits.statement : stuckAfter;
  }

  /** Nothing will ever move again: what the actors are at is over, and everybody may know. */
  async #endStuck(reason: string): Promise<false> {
    this.#operations.endStuck(this.#actors.runs, reason);
    await this.#abandon();
    return false;
  }

  async #take(choices: readonly (GatedStep | FaultChoice)[]): Promise<true> {
    const chosen = this.#scheduler.choose(choices, this.#recording.last);
    if (chosen === waitForWaiters && this.#waiters.some) {
      await this.#awaitWaiters();
      return true;
    }
    const choice = choices[chosen];
    if (choice === undefined) throw new RangeError(`the strategy chose step ${chosen} of ${choices.length}`);
    if (this.#assignment.pause !== undefined) await this.#pause(choice);
    const [step, fault] = "step" in choice ? [choice.step, choice.fault] : [choice, undefined];
    const record = this.#recording.decided(choices, chosen, step, fault);
    if ("step" in choice) this.#faults.use(choice);
    this.#waiters.pause();
    if (fault === "crash") await this.#crash(record);
    else await this.#letThrough(step, record);
    // Mostly there is nothing to wait for, and every await costs.
    if (this.#waiters.some) await this.#waiters.release(record.index);
    if (this.#recording.published) await this.#recording.watch(record.index);
    if (this.#assignment.record) await this.#recording.addDisplay(record);
    if (this.#assignment.observer !== undefined) await this.#assignment.observer.look(this.#lane, record, step.stack);
    return true;
  }

  async #pause(next: Choice | undefined): Promise<void> {
    const { steps } = this.#recording;
    await this.#assignment.pause?.({
      taken: steps.length,
      last: steps.at(-1),
      next,
      waiting: this.#waiters.sessions,
      address: this.#lane.address,
    });
  }

  async #letThrough(step: GatedStep, record: Recorded): Promise<void> {
    const { fault, text } = record;
    const { pending } = this.#actors.of(step.actor)!;
    if (isTimer(step)) this.#actors.noteTimer(step.actor);
    else pending.splice(pending.indexOf(step), 1);
    this.clock?.tick();
    this.#underway.add(step);
    if (step.kind === "statement") this.#lane.noteStatement(text);
    step.go(fault === "serialization failure" || fault === "deadlock" ? failureOf(fault, text) : undefined);
    const waiting = await this.#waiters.answerOrWait(step, 0);
    if (waiting === undefined) await this.#deliver(step, record);
    else await this.#waiters.add(step, record, waiting);
  }

  /** The actor's process dies: its connections are cut, Postgres rolls back, and nothing of the operation goes on. */
  async #crash(record: Recorded): Promise<void> {
    const run = this.#actors.of(record.actor)!;
    record.kind = "crash";
    record.session = run.name;
    this.#actors.kill(run);
    for (const step of this.#underway) if (step.actor === run.name) this.#underway.delete(step);
    this.#waiters.drop(run.name);
    this.clock?.drop(run.name);
    await this.#lane.awaitEnd(this.connections.cut(run.name));
    this.#operations.cut(run.name);
    const { model } = this.#assignment;
    this.#answered(record, false);
    fromModel(model, "crashed", () => model.crashed?.({ world: this.#made.world, actor: run.name }));
    run.crash({ crashed: true });
    await this.#settling.settle();
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
    this.#recording.note(record);
    if (outcome.kind === "error" && step.lost && this.#assignment.keeper === undefined) {
      throw new PostgresError(
        `the connection of "${step.session}" was lost (${outcome.message}) during: ${step.text.trim()}`,
      );
    }
    step.deliver();
    await this.#settling.settle();
  }

  #answered(record: Recorded, waited: boolean): void {
    const { after } = this.#recording.answered(record, waited);
    this.#scheduler.taken?.(this.#recording.choiceOf(record.index), after);
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
    const waitingFor = [...this.#underway, ...this.#actors.runs.flatMap(({ pending }) => pending)];
    for (const step of waitingFor) step.refuse(error);
    await immediate();
    await this.connections.close();
  }
}
