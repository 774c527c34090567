import { UsageError } from "../errors.js";
import { runAs, type ActorContext } from "../session/context.js";
import type { Gate } from "../session/gate.js";
import type { Run } from "./actors.js";
import type { Assignment } from "./assignment.js";
import { toJson } from "./json.js";
import { describeCall, fromModel } from "./model.js";
import type { Json, OperationCall } from "./program.js";
import { Calls, thrown, withSteps } from "./record.js";
import type { CallRecord, OperationRecord, OperationResult, Step } from "./trace.js";

/** The error of an operation that never came to its end. */
export const stuck = "Stuck";

/** What the model made for one execution. */
export interface Made {
  readonly world: unknown;
  readonly implementation: unknown;
}

/** The operations of one execution, as they are run, and how they ended. */
export class Operations {
  readonly #assignment: Assignment;
  readonly #made: Made;
  readonly #taken: () => number;
  readonly #ended: Omit<OperationRecord, "steps">[] = [];
  readonly #calls = new Calls();

  /** @param taken How many steps have been taken so far. */
  constructor(assignment: Assignment, made: Made, taken: () => number) {
    this.#assignment = assignment;
    this.#made = made;
    this.#taken = taken;
  }

  /** Runs those of one actor, one after the other, until the last has ended or the execution is over. */
  async perform(run: Run, gate: Gate): Promise<void> {
    run.done = false;
    for (const [index, call] of run.calls.entries()) {
      run.operation = index;
      const context: ActorContext = { gate, actor: run.name, operation: index };
      const result = await runAs(context, () => this.#operate(run, call));
      if (gate.over) return;
      this.#end({ actor: run.name, index, ...call, result });
      if (run.crashed) break;
    }
    run.done = true;
    gate.changed();
  }

  #end(record: Omit<OperationRecord, "steps">): void {
    const { model } = this.#assignment;
    const label = fromModel(model, `describe of operation "${record.operation}"`, () => describeCall(model, record));
    this.#ended.push(label === undefined ? record : { ...record, label });
  }

  async #operate(run: Run, { operation: name, parameters }: OperationCall): Promise<OperationResult> {
    const { model, pool, program } = this.#assignment;
    const context = {
      ...this.#made,
      pool,
      initial: program.initial,
      actor: run.name,
      call: <T>(name: string, parameters: Json, body: () => Promise<T>) => this.#call(run, name, parameters, body),
    };
    const operation = model.operations[name];
    if (operation === undefined) throw new UsageError(`model "${model.name}" has no operation "${name}"`);
    const crash = new Promise<OperationResult>((resolve) => {
      run.crash = resolve;
    });
    const result = async (): Promise<OperationResult> => {
      try {
        return { returned: toJson(await operation.run(context, parameters)) };
      } catch (error) {
        return { threw: thrown(error) };
      }
    };
    return Promise.race([result(), crash]);
  }

  /** A part of an operation that the model's reference knows: its answer, and which steps had been taken meanwhile. */
  async #call<T>(run: Run, name: string, parameters: Json, body: () => Promise<T>): Promise<T> {
    const { name: actor, operation } = run;
    const end = this.#calls.begin({ actor, operation, name, parameters, begin: this.#taken() });
    try {
      const answer = await body();
      end({ returned: toJson(answer) }, this.#taken());
      return answer;
    } catch (error) {
      end({ threw: thrown(error) }, this.#taken());
      throw error;
    }
  }

  /** Code of an actor's operation, under way or over, failed where nobody catches it. */
  fail(run: Run, operation: number, error: unknown): void {
    run.crashed = true;
    const { name, message } = thrown(error);
    // Not as Postgres' error, even where it is one: it reached nobody who could deal with it.
    const result = { threw: { name: `uncaught ${name}`, message, code: null } };
    const ended = this.#ended.findIndex((each) => each.actor === run.name && each.index === operation);
    if (ended >= 0) this.#ended[ended] = { ...this.#ended[ended]!, result };
    run.crash(ended >= 0 ? { returned: null } : result);
  }

  /** Its process died: what was under way has no answer. */
  cut(actor: string): void {
    this.#calls.cut(this.#taken(), actor);
  }

  /** Nothing will ever move again: what these actors are at is over. */
  endStuck(runs: readonly Run[], reason: string): void {
    for (const { name: actor, operation: index, done, calls } of runs) {
      if (done) continue;
      const result: OperationResult = { threw: { name: stuck, message: reason, code: null } };
      this.#end({ actor, index, ...calls[index]!, result });
    }
    this.#calls.cut(this.#taken());
  }

  get calls(): readonly CallRecord[] {
    return this.#calls.records;
  }

  /** In the order in which they began. */
  records(steps: readonly Step[]): OperationRecord[] {
    return withSteps(this.#ended, steps);
  }
}
