import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { Trace } from "../execution/trace.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import type { Observed } from "../strategy/strategy.js";
import { CoverageCount, type Account } from "./coverage.js";
import type { Coverage } from "./verdict.js";

/** A failing execution as it was found. */
export interface Failure {
  /** Number of the execution. */
  readonly execution: number;
  readonly program: Program;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

/** What one execution came to: what is to be learnt of it, or why there is nothing. */
export type Result = Finished | { readonly problem: string };

export interface Finished {
  readonly observed: Observed;
  readonly account: Account;
  readonly violations: readonly Violation[];
  /** Undefined where it is known not to be kept. */
  readonly trace: Trace | undefined;
}

/** How often something was seen, and in which execution first. */
export interface Seen {
  readonly times: number;
  readonly first: number;
}

/** What broke and what went wrong in a part of an exploration. */
export interface Part<F> {
  /** The failure of each signature that is kept: the one of the fewest steps, of these the first. */
  readonly failures: ReadonlyMap<string, F>;
  /** How many executions broke in just this way, by signature. */
  readonly seen: ReadonlyMap<string, Seen>;
  /** What kept executions from counting. */
  readonly problems: ReadonlyMap<string, Seen>;
}

/** The same of all parts. */
export interface Whole<F> extends Omit<Part<F>, "failures"> {
  /** In the order in which their signatures were first seen. */
  readonly failures: readonly F[];
}

/** What the executions of one strand came to. */
export class Findings {
  readonly #coverage: CoverageCount;
  readonly #failures = new Map<string, Failure>();
  readonly #seen = new Map<string, Seen>();
  readonly #problems = new Map<string, Seen>();
  problemCount = 0;

  constructor(model: AnyModel) {
    this.#coverage = new CoverageCount(model);
  }

  /** @returns Whether the trace is kept: it is the smallest of its signature so far. */
  add(execution: number, program: Program, { account, violations, trace }: Finished): boolean {
    this.#coverage.add(account);
    if (violations.length === 0) return false;
    const signature = signatureOf(violations);
    note(this.#seen, signature, execution);
    const known = this.#failures.get(signature);
    if (trace === undefined || (known !== undefined && account.metrics.steps >= known.trace.steps.length)) return false;
    this.#failures.set(signature, { execution, program, trace, violations });
    return true;
  }

  /** @returns That there is no trace to keep. */
  problem(execution: number, message: string): false {
    this.problemCount++;
    note(this.#problems, message, execution);
    return false;
  }

  get counts() {
    return this.#coverage.counts;
  }

  get signatures(): Iterable<string> {
    return this.#seen.keys();
  }

  get invariants(): string[] {
    return [...this.#failures.values()].flatMap(({ violations }) => violations.map(({ invariant }) => invariant));
  }

  coverage(exhausted: Coverage["exhausted"]): Coverage {
    return { ...this.#coverage.total, exhausted };
  }

  get part(): Part<Failure> {
    return { failures: this.#failures, seen: this.#seen, problems: this.#problems };
  }
}

/**
 * What the parts of an exploration came to, in an order that does not depend on which of them was the faster.
 *
 * @param stepsOf How many steps a failure took.
 */
export function joined<F extends { readonly execution: number }>(
  parts: readonly Part<F>[],
  stepsOf: (failure: F) => number,
): Whole<F> {
  const seen = added(parts.map((part) => part.seen));
  const compare = (a: F, b: F) => stepsOf(a) - stepsOf(b) || a.execution - b.execution;
  const failures = [...seen.keys()].map((signature) =>
    parts
      .flatMap((part) => part.failures.get(signature) ?? [])
      .reduce((best, each) => (compare(each, best) < 0 ? each : best)),
  );
  return { failures, seen, problems: added(parts.map((part) => part.problems)) };
}

function note(counts: Map<string, Seen>, what: string, execution: number): void {
  const { times, first } = counts.get(what) ?? { times: 0, first: execution };
  counts.set(what, { times: times + 1, first });
}

/** By what was seen first. */
function added(parts: readonly ReadonlyMap<string, Seen>[]): Map<string, Seen> {
  const all = new Map<string, Seen>();
  for (const [what, { times, first }] of parts.flatMap((part) => [...part])) {
    const known = all.get(what) ?? { times: 0, first };
    all.set(what, { times: known.times + times, first: Math.min(known.first, first) });
  }
  return new Map([...all].toSorted(([, a], [, b]) => a.first - b.first));
}
