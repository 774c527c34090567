import type { Observer } from "../execution/execution.js";
import { toJson } from "../execution/json.js";
import type { Lane } from "../execution/lane.js";
import type { State } from "../execution/model.js";
import type { Step, Trace } from "../execution/trace.js";
import type { Answer, Site, View } from "./explanation.js";
import { siteOf } from "./sites.js";

/** Rows of an answer that are kept. */
const rowsKept = 5;

/** Queries that are asked again after every step; there are few in what was shrunk. */
const queriesAtMost = 40;

/** How a query would be answered after each step behind it, from its own on; undefined where that cannot be told. */
export interface Reading {
  readonly read: Step;
  /** By the index of the step behind which it was asked. */
  readonly answers: Map<number, Answer>;
}

/** Looks at everything that can be seen without a trace while an execution goes on. */
export class Watch implements Observer {
  readonly sites: (Site | null)[] = [];
  readonly views: View[] = [];
  readonly readings: Reading[] = [];
  readonly #isRead: (step: Step) => boolean;
  /** Sessions whose transaction has run a statement. */
  readonly #begun = new Set<string>();
  #committed: State | undefined;

  /** @param isRead Whether a step is a query that only reads, and may be asked again. */
  constructor(isRead: (step: Step) => boolean) {
    this.#isRead = isRead;
  }

  async look(lane: Lane, step: Step | undefined, stack: string | undefined): Promise<void> {
    if (step !== undefined) {
      this.sites[step.index] = siteOf(stack);
      this.#note(step);
    }
    const isRead = step !== undefined && this.#isRead(step);
    const isNews = step === undefined || !lane.stateStays || (mayHaveCommitted(step) && !isRead);
    this.views.push(await this.#view(lane, isNews));
    if (step === undefined) return;
    if (isNews) await this.#askAllAgain(lane, step);
    else this.#keepAnswers(step);
    if (isRead && this.readings.length < queriesAtMost) {
      const reading: Reading = { read: step, answers: new Map() };
      this.readings.push(reading);
      await this.#askAgain(lane, reading, step);
    }
  }

  #note({ session, transaction, kind, text }: Step): void {
    if (kind !== "statement") return;
    if (transaction === "none") this.#begun.delete(session);
    else if (!/^\s*(?:begin|start|set|savepoint)\b/i.test(text)) this.#begun.add(session);
  }

  /** @param isNews Whether something may have been committed since the view before. */
  async #view(lane: Lane, isNews: boolean): Promise<View> {
    const before = this.#committed;
    // Where it could not be seen (somebody had a table locked against readers), what was committed then is still news.
    const committed = isNews || before === undefined ? await lane.state() : before;
    this.#committed = committed;
    if (committed === undefined) return {};
    const isNew = JSON.stringify(committed) !== JSON.stringify(before);
    const views = [...(await lane.views((session) => this.#begun.has(session)))];
    // By name: which was opened first may differ from run to run.
    const sessions = views
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([session, state]) => {
        const differing = Object.entries(state).filter(
          ([name, rows]) => JSON.stringify(rows) !== JSON.stringify(committed[name]),
        );
        return differing.length === 0 ? [] : [[session, Object.fromEntries(differing)] as const];
      });
    return {
      ...(isNew ? { committed: rowsOf(committed) } : {}),
      ...(sessions.length === 0
        ? {}
        : { sessions: Object.fromEntries(sessions.map(([name, s]) => [name, rowsOf(s)])) }),
    };
  }

  async #askAllAgain(lane: Lane, step: Step): Promise<void> {
    for (const reading of this.readings) await this.#askAgain(lane, reading, step);
  }

  async #askAgain(lane: Lane, { read, answers }: Reading, { index }: Step): Promise<void> {
    const result = await lane.askAgain(read.text, read.values);
    if (result === undefined) return;
    const rows = result.rows.slice(0, rowsKept).map((row) => toJson(row)) as Answer["rows"];
    answers.set(index, { rowCount: result.rowCount ?? 0, rows });
  }

  /** Nothing was committed since the step before, so they are answered as they were. */
  #keepAnswers({ index }: Step): void {
    for (const { answers } of this.readings) {
      const known = answers.get(index - 1);
      if (known !== undefined) answers.set(index, known);
    }
  }
}

/** Whether others may see something new behind a step: inside of a transaction, they cannot. */
function mayHaveCommitted({ kind, text, transaction, fault }: Step): boolean {
  if (fault !== undefined) return true;
  return kind === "statement" && (transaction === "none" || endsTransaction.test(text));
}

/** What may publish something and leave a transaction open; or set somebody free who then does. */
const endsTransaction = /\b(?:commit|end|rollback|prepare|call|do)\b/i;

function rowsOf(state: State): Trace["state"] {
  return state as Trace["state"];
}
