import type { Job } from "../explore/queue.js";
import { digest } from "../explore/programs.js";
import type { Finished, Result } from "../explore/findings.js";
import type { Trace } from "../execution/trace.js";
import type { Violation } from "../oracle/violation.js";
import { metered, type Metrics } from "../strategy/metrics.js";
import type { Choice, Observed, Scheduler } from "../strategy/strategy.js";

type Ending = Observed["answers"][number]["after"];

/**
 * Lines of a journal: what is mentioned often (a choice, a list of choices, an ending) has a line of its own when it is
 * first mentioned, and from then on a number, counted from 0 for each kind.
 */
type Line =
  | { readonly choice: Choice }
  | { readonly list: readonly number[] }
  | { readonly ending: Ending }
  | { readonly texts: readonly string[] }
  | Entry;

/** An execution. */
interface Entry {
  /** Of which strand. */
  readonly in: number;
  /** Why it could not be finished. */
  readonly problem?: string;
  /** For each step: what was pending, which of that was taken, and how it ended, -1 for one that waited. */
  readonly steps?: readonly number[];
  /** Steps that waited and have ended: which, while which step was the last to be let go, and how. */
  readonly waited?: readonly number[];
  /** Digest of the schedule, deadlocks, and which pairs of operations overlapped. */
  readonly account?: readonly [string, number, number];
  readonly violations?: readonly Violation[];
  readonly trace?: Trace;
}

/** Numbers for what is mentioned often. */
class Numbers<T> {
  readonly #known = new Map<string, number>();
  readonly #define: (value: T) => void;

  constructor(define: (value: T) => void) {
    this.#define = define;
  }

  of(value: T): number {
    const key = JSON.stringify(value);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const number = this.#known.size;
    this.#known.set(key, number);
    this.#define(value);
    return number;
  }
}

/** Turns what was learnt into lines. */
export class LineWriter {
  readonly #write: (line: string) => void;
  readonly #choices = new Numbers<Choice>((choice) => this.#put({ choice }));
  readonly #lists = new Numbers<readonly number[]>((list) => this.#put({ list }));
  readonly #endings = new Numbers<Ending>((ending) => this.#put({ ending }));
  readonly #texts = new Numbers<readonly string[]>((texts) => this.#put({ texts }));

  /** @param before Lines that were read, whose numbers go on being used. */
  constructor(write: (line: string) => void, before: LineReader) {
    // What was read has its numbers already.
    this.#write = () => undefined;
    for (const choice of before.choices) this.#choices.of(choice);
    for (const list of before.listed) this.#lists.of(list);
    for (const ending of before.endings) this.#endings.of(ending);
    for (const texts of before.texts) this.#texts.of(texts);
    this.#write = write;
  }

  put(strand: number, result: Result, isKept: boolean): void {
    if ("problem" in result) return this.#put({ in: strand, problem: result.problem });
    const { observed, account, violations, trace } = result;
    const { pending, chosen, answers } = observed;
    const endings = pending.map(() => -1);
    const waited: number[] = [];
    for (const { step, during, after } of answers) {
      const { kind, rowCount } = after.outcome;
      const outcome = { kind, ...(rowCount === undefined ? {} : { rowCount }) };
      const ending = this.#endings.of({ transaction: after.transaction, outcome, waited: after.waited });
      if (step === during) endings[step] = ending;
      else waited.push(step, during, ending);
    }
    const steps = pending.flatMap((choices, index) => [
      this.#lists.of(choices.map((choice) => this.#choices.of(plain(choice)))),
      chosen[index]!,
      endings[index]!,
    ]);
    const { schedule, deadlocks, overlaps } = account;
    this.#put({
      in: strand,
      steps,
      ...(waited.length === 0 ? {} : { waited }),
      account: [schedule, deadlocks, this.#texts.of(overlaps)],
      ...(violations.length === 0 ? {} : { violations }),
      ...(isKept && trace !== undefined ? { trace } : {}),
    });
  }

  #put(line: Line): void {
    this.#write(JSON.stringify(line));
  }
}

/** A choice as plain data, as far as strategies look at it: of a value that is neither text nor number nothing is known but that it is there. */
function plain({ actor, session, kind, text, values, fault }: Choice): Choice {
  return {
    actor,
    session,
    kind,
    text,
    values: values.map((value) => {
      if (typeof value === "bigint" || typeof value === "number") return String(value);
      return value === null || typeof value === "string" || typeof value === "boolean" ? value : {};
    }),
    ...(fault === undefined ? {} : { fault }),
  };
}

/** Turns lines into what was learnt. */
export class LineReader {
  readonly choices: Choice[] = [];
  /** Lists of choices, by their numbers and by themselves. */
  readonly listed: (readonly number[])[] = [];
  readonly #lists: Choice[][] = [];
  readonly endings: Ending[] = [];
  readonly texts: (readonly string[])[] = [];
  /** Executions that have not been asked for, by strand, as they were read. */
  readonly #left = new Map<number, { readonly texts: string[]; next: number }>();

  /** @throws {SyntaxError} When it is no JSON. */
  read(text: string): void {
    // Most lines are executions, which are taken apart only when they are asked for.
    const strand = /^\{"in":(\d+)/.exec(text)?.[1];
    if (strand !== undefined) return this.#keep(Number(strand), text);
    const line = JSON.parse(text) as Exclude<Line, Entry>;
    if ("choice" in line) this.choices.push(line.choice);
    else if ("ending" in line) this.endings.push(line.ending);
    else if ("texts" in line) this.texts.push(line.texts);
    else {
      this.listed.push(line.list);
      this.#lists.push(line.list.map((number) => this.choices[number]!));
    }
  }

  #keep(strand: number, text: string): void {
    const left = this.#left.get(strand);
    if (left === undefined) this.#left.set(strand, { texts: [text], next: 0 });
    else left.texts.push(text);
  }

  /**
   * What came of the next execution of a strand: its scheduler is led along the same steps.
   *
   * @returns Undefined when there is no more of it.
   * @throws {Error} When the scheduler does not take these steps: it is not the same exploration.
   */
  next(strand: number, job: Job): Result | undefined {
    const left = this.#left.get(strand);
    const text = left?.texts[left.next++];
    if (text === undefined) return undefined;
    const entry = JSON.parse(text) as Entry;
    if (entry.problem !== undefined) return { problem: entry.problem };
    const observed = this.#observed(entry);
    const scheduler = metered(job.scheduler);
    lead(scheduler, observed);
    return this.#finished(entry, observed, job, scheduler.metrics);
  }

  #observed({ steps = [], waited = [] }: Entry): Observed {
    const pending: Choice[][] = [];
    const chosen: number[] = [];
    const answers: Observed["answers"][number][] = [];
    let next = 0;
    for (let index = 0; index * 3 < steps.length; index++) {
      pending.push(this.#lists[steps[index * 3]!]!);
      chosen.push(steps[index * 3 + 1]!);
      const ending = steps[index * 3 + 2]!;
      if (ending >= 0) answers.push({ step: index, during: index, after: this.endings[ending]! });
      for (; waited[next + 1] === index; next += 3)
        answers.push({ step: waited[next]!, during: index, after: this.endings[waited[next + 2]!]! });
    }
    return { pending, chosen, answers };
  }

  #finished(
    { account, violations = [], trace }: Entry,
    observed: Observed,
    { program, strategy }: Job,
    metrics: Metrics,
  ): Finished {
    const [schedule, deadlocks, overlaps] = account!;
    const actors = new Set(observed.pending.map((choices, index) => choices[observed.chosen[index]!]!.actor)).size;
    return {
      observed,
      account: {
        strategy,
        program: digest(JSON.stringify(program)),
        schedule,
        metrics,
        actors,
        faults: (program.faults ?? []).length > 0,
        deadlocks,
        overlaps: this.texts[overlaps]!,
      },
      violations,
      trace,
    };
  }
}

function lead(scheduler: Scheduler, { pending, chosen, answers }: Observed): void {
  let last: Choice | undefined;
  let next = 0;
  for (const [index, choices] of pending.entries()) {
    const taken = scheduler.choose(choices, last);
    if (taken !== chosen[index]) throw new Error(`another step was taken at ${index}`);
    last = choices[taken];
    for (; answers[next]?.during === index; next++) {
      const { step, after } = answers[next]!;
      scheduler.taken?.(pending[step]![chosen[step]!]!, after);
    }
  }
}
