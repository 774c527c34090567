import { hash } from "node:crypto";
import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { OperationRecord, Trace } from "../execution/trace.js";
import { depthOf, pctBound } from "../strategy/pct.js";
import type { Coverage } from "./verdict.js";

/** Adds up what executions did. */
export class CoverageCount {
  #executions = 0;
  #steps = 0;
  #lockWaits = 0;
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

  /** @param uncontrolled What its actors did that cannot be scheduled. */
  add(program: Program, trace: Trace, strategy: string, uncontrolled: readonly string[] = []): void {
    for (const what of uncontrolled) this.#uncontrolled.set(what, (this.#uncontrolled.get(what) ?? 0) + 1);
    this.#strategies.set(strategy, (this.#strategies.get(strategy) ?? 0) + 1);
    const text = JSON.stringify(program);
    this.#programs.add(digest(text));
    // Where things go wrong at random, too, the bound says nothing.
    if ((program.faults ?? []).length === 0) this.#addPct(strategy, digest(text), trace);
    this.#schedules.add(digest(text + JSON.stringify(trace.schedule)));
    this.#executions++;
    this.#steps += trace.steps.length;
    this.#lockWaits += trace.steps.filter(({ wait }) => wait !== null).length;
    this.#deadlocks += trace.steps.filter(({ outcome }) => outcome.kind === "error" && outcome.code === "40P01").length;
    for (const pair of overlapping(trace.operations)) this.#overlaps.set(pair, (this.#overlaps.get(pair) ?? 0) + 1);
  }

  /** The first execution of each program does not count: it is run to learn how long the program is. */
  #addPct(strategy: string, program: string, { steps }: Trace): void {
    const depth = depthOf(strategy);
    if (depth === undefined) return;
    const key = `${strategy} ${program}`;
    const sofar = this.#pct.get(key) ?? { depth, n: 0, k: 0, executions: -1 };
    sofar.n = Math.max(sofar.n, new Set(steps.map(({ actor }) => actor)).size);
    sofar.k = Math.max(sofar.k, steps.length);
    sofar.executions++;
    this.#pct.set(key, sofar);
  }

  /** By depth: the least chance that a bug of that depth had to be met, of any program that PCT ran. */
  get #pctBounds(): Record<string, number> {
    const bounds: Record<string, number> = {};
    for (const { depth, n, k, executions } of this.#pct.values())
      bounds[depth] = Math.min(bounds[depth] ?? 1, pctBound(n, k, depth, executions));
    return bounds;
  }

  get counts(): Pick<Coverage, "executions" | "distinctSchedules"> {
    return { executions: this.#executions, distinctSchedules: this.#schedules.size };
  }

  get total(): Omit<Coverage, "exhausted"> {
    return {
      strategies: Object.fromEntries([...this.#strategies].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      programs: this.#programs.size,
      executions: this.#executions,
      distinctSchedules: this.#schedules.size,
      steps: this.#steps,
      lockWaits: this.#lockWaits,
      deadlocks: this.#deadlocks,
      ...(this.#uncontrolled.size === 0 ? {} : { uncontrolled: Object.fromEntries(this.#uncontrolled) }),
      pctBounds: this.#pctBounds,
      overlaps: Object.fromEntries([...this.#overlaps].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}

/** Enough of a digest to tell millions of texts apart. */
function digest(text: string): string {
  return hash("sha1", text, "base64url").slice(0, 12);
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
