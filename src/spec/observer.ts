import type { RawResult } from "./raw-query.js";
import { resultText } from "./result-text.js";
import type { Marker, PermutationStep } from "./spec-file.js";

/** How a launched step went. */
export interface StepRun {
  readonly step: PermutationStep;
  /** Whether it was seen to wait, or its markers said to call it so. */
  waited: boolean;
  /** What came of it, errors included; undefined while it is under way. */
  results: readonly RawResult[] | undefined;
}

interface Launched extends StepRun {
  /** Notices that its session must have sent, by marker. */
  readonly targets: ReadonlyMap<Marker, number>;
  /** Notices that come between its results, by the number of the result behind them. */
  readonly between: Map<number, string[]>;
}

interface Mailbox {
  /** Came, and was not looked at yet. */
  notices: string[];
  notifications: string[];
  /** Notices that were looked at. */
  seen: number;
}

/**
 * Sees what happens as isolationtester would, and writes it down in its words. It mirrors `try_complete_steps` of
 * isolationtester.c: after each launch the launched step is looked at first, then those that wait, in the order in which
 * they began to, so that what one launch sets free is reported in that order, whichever was faster. A step counts as
 * active, and holds its session up, until its completion is reported, which markers may delay.
 */
export class Observer {
  readonly runs: StepRun[] = [];
  readonly #write: (text: string) => void;
  readonly #mailboxes = new Map<string, Mailbox>();
  /** By session. */
  readonly #active = new Map<string, Launched>();
  #waiting: Launched[] = [];
  /** Launched, and not looked at yet. */
  #launched: Launched | undefined;
  #newNotice = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  // What happens.

  /** @param next The number, from 1, of the step's result that is reported next. */
  notice(session: string, text: string, next = 1): void {
    const run = this.#active.get(session);
    if (run === undefined || next === 1) this.#mailbox(session).notices.push(text);
    else run.between.set(next, [...(run.between.get(next) ?? []), text]);
  }

  notification(session: string, text: string): void {
    this.#mailbox(session).notifications.push(text);
  }

  launch(step: PermutationStep): void {
    const targets = new Map(
      step.markers.flatMap((marker) =>
        marker.kind === "notices" ? [[marker, marker.count + this.#mailbox(marker.step.session).seen]] : [],
      ),
    );
    const run: Launched = { step, targets, between: new Map(), waited: false, results: undefined };
    this.runs.push(run);
    this.#active.set(step.step.session, run);
    this.#launched = run;
  }

  answered(session: string, results: readonly RawResult[]): void {
    const run = this.#active.get(session);
    if (run !== undefined) run.results = results;
  }

  // What is made of it.

  /** Prints the notices that a session sent outside a step. */
  flush(session: string): void {
    const mailbox = this.#mailbox(session);
    this.#tell(session, mailbox.notices);
    mailbox.notices = [];
  }

  /** The step that holds a session up. */
  active(session: string): StepRun | undefined {
    return this.#active.get(session);
  }

  /** Steps under way, in the order in which they began to wait. */
  get waiting(): readonly StepRun[] {
    return this.#waiting;
  }

  /** Looks at what came of the last launch. */
  look(): void {
    const run = this.#launched;
    if (run === undefined) return;
    this.#launched = undefined;
    const completes = this.#completes(run, true);
    this.#lookAtWaiting();
    if (!completes) this.#waiting.push(run);
  }

  /** Looks again after a wait for the step that holds a session up, or, without one, for all. */
  lookAgain(session?: string): void {
    const awaited = session === undefined ? undefined : this.#active.get(session);
    if (awaited !== undefined) {
      // Nobody else is looked at before it has answered.
      this.flush(awaited.step.step.session);
      if (awaited.results === undefined) return;
      if (this.#completes(awaited, false)) this.#waiting = this.#waiting.filter((run) => run !== awaited);
    }
    this.#lookAtWaiting();
  }

  cancelling(step: StepRun, seconds: number): void {
    this.#write(`isolationtester: canceling step ${step.step.step.name} after ${seconds} seconds\n`);
  }

  #lookAtWaiting(): void {
    let again: boolean;
    do {
      this.#newNotice = false;
      const before = this.#waiting.length;
      const waiting: Launched[] = [];
      for (const run of this.#waiting) if (!this.#completes(run, false)) waiting.push(run);
      this.#waiting = waiting;
      again = waiting.some(({ step }) => step.markers.length > 0) && (waiting.length < before || this.#newNotice);
    } while (again);
  }

  /** Reports what there is to report of a step; whether that was its completion. */
  #completes(run: Launched, first: boolean): boolean {
    const { name, session, sql } = run.step.step;
    const once = first && run.step.markers.some(({ kind }) => kind === "once");
    if (!once) this.flush(session);
    if (once || run.results === undefined || this.#isHeldUp(run)) {
      if (first) this.#write(`step ${name}: ${sql} <waiting ...>\n`);
      run.waited = true;
      return false;
    }
    this.#write(first ? `step ${name}: ${sql}\n` : `step ${name}: <... completed>\n`);
    for (const [i, result] of run.results.entries()) {
      this.#tell(session, run.between.get(i + 1) ?? []);
      this.#write(resultText(result));
    }
    const mailbox = this.#mailbox(session);
    for (const text of mailbox.notifications) this.#write(`${session}: ${text}`);
    mailbox.notifications = [];
    this.#active.delete(session);
    return true;
  }

  #tell(session: string, notices: readonly string[]): void {
    for (const text of notices) this.#write(`${session}: ${text}`);
    this.#newNotice ||= notices.length > 0;
    this.#mailbox(session).seen += notices.length;
  }

  #isHeldUp({ step, targets }: Launched): boolean {
    return step.markers.some((marker) => {
      if (marker.kind === "once") return false;
      if (marker.kind === "step") return this.#active.get(marker.step.session)?.step.step === marker.step;
      return this.#mailbox(marker.step.session).seen < targets.get(marker)!;
    });
  }

  #mailbox(session: string): Mailbox {
    const mailbox = this.#mailboxes.get(session) ?? { notices: [], notifications: [], seen: 0 };
    this.#mailboxes.set(session, mailbox);
    return mailbox;
  }
}
