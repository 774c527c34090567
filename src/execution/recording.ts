import { PostgresError } from "../errors.js";
import type { GatedStep } from "../session/gate.js";
import type { FaultKind } from "../strategy/fault.js";
import { defaultChoice, type Switch } from "../strategy/schedule.js";
import type { Choice, Observed } from "../strategy/strategy.js";
import type { Assignment } from "./assignment.js";
import { Publications } from "./commits.js";
import type { Lane } from "./lane.js";
import { hasEveryCommit, schemaText, type State } from "./model.js";
import type { Operations } from "./operations.js";
import { newRecord, type Recorded } from "./record.js";
import type { Commit, Step, Trace } from "./trace.js";

/** What locks a table against readers and leaves its schema as it is. */
const againstReaders = /\block\s+\w|\b(truncate|cluster|reindex|vacuum|refresh)\b/i;

/** What is kept of one execution while it goes on. */
export class Recording implements Observed {
  readonly steps: Recorded[] = [];
  readonly pending: (readonly Choice[])[] = [];
  readonly chosen: number[] = [];
  readonly answers: Observed["answers"][number][] = [];
  readonly commits: Commit[] = [];
  /** The last choice that was made. */
  last: Choice | undefined;
  readonly #lane: Lane;
  readonly #assignment: Assignment;
  readonly #switches: Switch[] = [];
  readonly #watchesCommits: boolean;
  readonly #publications: Publications;
  /** What an outside reader sees, if that was seen and no step may have changed it since. */
  #current: State | undefined;
  /** Whether a step may have locked a table against readers. */
  #locksTables = false;
  #displayBefore: Readonly<Record<string, string>> | undefined;

  /** Whether a step has ended that may have changed what an outside reader sees, and somebody wants to know. */
  published = false;

  constructor(lane: Lane, assignment: Assignment) {
    this.#lane = lane;
    this.#assignment = assignment;
    this.#watchesCommits = hasEveryCommit(assignment.model);
    this.#publications = new Publications(schemaText(assignment.model));
  }

  /** To be called before the first step. */
  async begin(): Promise<void> {
    if (this.#assignment.record) this.#displayBefore = await this.#display();
  }

  /** A choice was made, and is about to be taken. */
  decided(choices: readonly Choice[], chosen: number, step: GatedStep, fault: FaultKind | undefined): Recorded {
    const choice = choices[chosen]!;
    const index = this.steps.length;
    this.chosen.push(chosen);
    if (chosen !== defaultChoice(choices, this.last))
      this.#switches.push({ step: index, to: choice.session, ...(fault === undefined ? {} : { fault }) });
    this.pending.push(choices);
    this.last = choice;
    this.#locksTables ||= againstReaders.test(step.text);
    // What a crash lets go of the actor's own is told by no answer.
    if (fault !== undefined) this.#current = undefined;
    const record = newRecord(step, index, fault);
    this.steps.push(record);
    return record;
  }

  /** A step is over. */
  answered({ index, transaction, outcome }: Recorded, waited: boolean): Observed["answers"][number] {
    const answer = { step: index, during: this.steps.length - 1, after: { transaction, outcome, waited } };
    this.answers.push(answer);
    return answer;
  }

  /** What a step that is over may have shown to others. */
  note(record: Recorded): void {
    if (!this.#watchesCommits && !this.#assignment.record) return;
    if (!this.#publications.note(record)) return;
    this.#current = undefined;
    if (this.#watchesCommits) this.published = true;
  }

  /** What an outside reader sees now; undefined while an actor has locked a table against readers. */
  async #look(): Promise<State | undefined> {
    if (this.#current !== undefined && this.#staysKnown) return this.#current;
    this.#current = await this.#lane.state();
    return this.#current;
  }

  /** Whether nothing can change it unnoticed: nobody outside of the execution, and no lock keeps readers out. */
  get #staysKnown(): boolean {
    const { keeper, pause } = this.#assignment;
    return keeper === undefined && pause === undefined && this.#lane.stateStays && !this.#locksTables;
  }

  /** Keeps what an outside reader sees now, if that may have changed. */
  async watch(step: number): Promise<void> {
    this.published = false;
    const state = await this.#look();
    if (state !== undefined) this.commits.push({ step, state: state as Commit["state"] });
  }

  /** The choice by which a step was taken. */
  choiceOf(step: number): Choice {
    return this.pending[step]![this.chosen[step]!]!;
  }

  lastStepOf(actor: string): Step | undefined {
    return this.steps.findLast((step) => step.actor === actor);
  }

  async addDisplay(record: Recorded): Promise<void> {
    const display = await this.#display();
    if (display !== undefined) record.display = display;
  }

  async #display(): Promise<Readonly<Record<string, string>> | undefined> {
    const state = await this.#look();
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

  /** @throws {PostgresError} When somebody still has the tables locked. */
  async trace(operations: Operations): Promise<Trace> {
    const state = await this.#look();
    if (state === undefined) throw new PostgresError("the tables are locked although every actor is done");
    const { calls } = operations;
    return {
      steps: this.steps,
      operations: operations.records(this.steps),
      ...(calls.length === 0 ? {} : { calls }),
      schedule: this.#switches,
      state: state as Trace["state"],
      ...(this.#displayBefore === undefined ? {} : { displayBefore: this.#displayBefore }),
    };
  }
}
