import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { OperationRecord, Trace } from "../execution/trace.js";
import { sumOfMetrics, type Metrics } from "../strategy/metrics.js";
import { depthOf, pctBound } from "../strategy/pct.js";
import { digest } from "./programs.js";
import type { Coverage } from "./verdict.js";

/** What one execution adds to the coverage. */
export interface Account {
  readonly strategy: string;
  /** Digests of the program, and of program and schedule. */
  readonly program: string;
  readonly schedule: string;
  readonly metrics: Metrics;
  /** Actors that took steps. */
  readonly actors: number;
  /** Whether something could go wrong. */
  readonly faults: boolean;
  readonly deadlocks: number;
  /** Pairs of operations that overlapped. */
  readonly overlaps: readonly string[];
  /** What actors did that cannot be scheduled; left out where they did nothing of the kind. */
  readonly uncontrolled?: readonly string[];
}

/**
 * @param metrics What its scheduler did.
 * @param uncontrolled What its actors did that cannot be scheduled.
 */
export function accountOf(
  program: Program,
  { steps, schedule, operations }: Trace,
  strategy: string,
  metrics: Metrics,
  uncontrolled: readonly string[] = [],
): Account {
  const text = JSON.stringify(program);
  return {
    strategy,
    program: digest(text),
    schedule: digest(text + JSON.stringify(schedule)),
    metrics,
    actors: new Set(steps.map(({ actor }) => actor)).size,
    faults: (program.faults ?? []).length > 0,
    deadlocks: steps.filter(({ outcome }) => outcome.kind === "error" && outcome.code === "40P01").length,
    overlaps: [...overlapping(operations)],
    ...(uncontrolled.length === 0 ? {} : { uncontrolled }),
  };
}

/** Adds up what executions did. */
export class CoverageCount {
  #executions = 0;
  #metrics = sumOfMetrics([]);
  #deadlocks = 0;
  readonly #strategies = new Map<string, number>();
  readonly #programs = new Set<string>();
  readonly #schedules = new Set<string>();
  readonly #uncontrolled = new Map<string, number>();
  readonly #overlaps: Map<string, number>;
  /** What PCT did with each program, by the strategy's name and the program. */
  readonly #pct = new Map<string, { readonly depth: number; n: number; k: number; executions: number }>();

  /** @param model Its pairs of operations that could overlap are counted from zero, so that a verdict can say which never did. */
  constructor(model: AnyModel) {
    this.#overlaps = new Map(possiblePairs(model).map((pair) => [pair, 0]));
  }

  add(account: Account): void {
    const { strategy, program, schedule, metrics, deadlocks, overlaps, uncontrolled = [] } = account;
    for (const what of uncontrolled) this.#uncontrolled.set(what, (this.#uncontrolled.get(what) ?? 0) + 1);
    this.#strategies.set(strategy, (this.#strategies.get(strategy) ?? 0) + 1);
    this.#programs.add(program);
    // Where things go wrong at random, too, the bound says nothing.
    if (!account.faults) this.#addPct(account);
    this.#schedules.add(schedule);
    this.#executions++;
    this.#metrics = sumOfMetrics([this.#metrics, metrics]);
    this.#deadlocks += deadlocks;
    for (const pair of overlaps) this.#overlaps.set(pair, (this.#overlaps.get(pair) ?? 0) + 1);
  }

  /** The first execution of each program does not count: it is run to learn how long the program is. */
  #addPct({ strategy, program, actors, metrics }: Account): void {
    const depth = depthOf(strategy);
    if (depth === undefined) return;
    const key = `${strategy} ${program}`;
    const sofar = this.#pct.get(key) ?? { depth, n: 0, k: 0, executions: -1 };
    sofar.n = Math.max(sofar.n, actors);
    sofar.k = Math.max(sofar.k, metrics.steps);
    sofar.executions++;
    this.#pct.set(key, sofar);
  }

  /** By depth: the least chance that a bug of that depth had to be met, of any program that PCT ran. */
  get #pctBounds(): Record<string, number> {
    return leastOf(
      [...this.#pct.values()].map(({ depth, n, k, executions }) => ({ [depth]: pctBound(n, k, depth, executions) })),
    );
  }

  get counts(): Pick<Coverage, "executions" | "distinctSchedules"> {
    return { executions: this.#executions, distinctSchedules: this.#schedules.size };
  }

  get total(): Omit<Coverage, "exhausted"> {
    return {
      strategies: sorted(this.#strategies),
      programs: this.#programs.size,
      executions: this.#executions,
      distinctSchedules: this.#schedules.size,
      ...this.#metrics,
      deadlocks: this.#deadlocks,
      ...(this.#uncontrolled.size === 0 ? {} : { uncontrolled: Object.fromEntries(this.#uncontrolled) }),
      pctBounds: this.#pctBounds,
      overlaps: sorted(this.#overlaps),
    };
  }
}

function leastOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const least: Record<string, number> = {};
  for (const [name, value] of all.flatMap((each) => Object.entries(each)))
    least[name] = Math.min(least[name] ?? 1, value);
  return least;
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The coverage of executions of different programs, together. */
export function together(parts: readonly Coverage[]): Coverage {
  const sum = (of: (part: Coverage) => number) => parts.reduce((total, part) => total + of(part), 0);
  const sums = (of: (part: Coverage) => Readonly<Record<string, number>>) => {
    const total = new Map<string, number>();
    for (const [name, count] of parts.flatMap((part) => Object.entries(of(part))))
      total.set(name, (total.get(name) ?? 0) + count);
    return sorted(total);
  };
  return {
    programs: sum(({ programs }) => programs),
    executions: sum(({ executions }) => executions),
    distinctSchedules: sum(({ distinctSchedules }) => distinctSchedules),
    strategies: sums(({ strategies }) => strategies),
    exhausted: {
      programs: sum(({ exhausted }) => exhausted.programs),
      executions: sum(({ exhausted }) => exhausted.executions),
      orders: sum(({ exhausted }) => exhausted.orders),
    },
    ...sumOfMetrics(parts),
    deadlocks: sum(({ deadlocks }) => deadlocks),
    pctBounds: leastOf(parts.map(({ pctBounds }) => pctBounds)),
    overlaps: sums(({ overlaps }) => overlaps),
    ...(parts.some(({ uncontrolled }) => uncontrolled !== undefined) && {
      uncontrolled: sums(({ uncontrolled = {} }) => uncontrolled),
    }),
  };
}

/** The pairs of operations, of different actors, of which each took a step before the other's last. */
function overlapping(operations: readonly OperationRecord[]): Set<string> {
  const pairs = new Set<string>();
  for (const [i, a] of operations.entries()) {
    for (const b of operations.slice(i + 1)) {
      if (a.actor === b.actor || a.steps === null || b.steps === null) continue;
      if (a.steps[0] < b.steps[1] && b.steps[0] < a.steps[1]) pairs.add(pairOf(a.operation, b.operation));
    }
  }
  return pairs;
}

/** The pairs of operations that two different actors may run. */
function possiblePairs({ actors }: AnyModel): string[] {
  const lists = Object.values(actors);
  return lists.flatMap((mine, i) =>
    lists.slice(i + 1).flatMap((theirs) => mine.flatMap((a) => theirs.map((b) => pairOf(a, b)))),
  );
}

function pairOf(a: string, b: string): string {
  return [a, b].toSorted().join(" × ");
}

/**
 * The coverage of executions of the same programs, each part with its own orders of them, together: these have all been
 * run if each part has run all of its own.
 *
 * @param programs How many programs there are.
 */
export function togetherOfSame(programs: number, parts: readonly Coverage[]): Coverage {
  const sum = together(parts);
  const isWhole = parts.every(({ exhausted }) => exhausted.programs === programs);
  const orders = Math.max(...parts.map(({ exhausted }) => exhausted.orders));
  return {
    ...sum,
    // A program with few orders is run by one of them, and any other one by all.
    programs: Math.min(programs, sum.programs),
    exhausted: isWhole
      ? { programs, executions: sum.exhausted.executions, orders }
      : { programs: 0, executions: 0, orders: 0 },
  };
}
