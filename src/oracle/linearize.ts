import { fromModel, type AnyModel, type Broken, type State } from "../execution/model.js";
import type { Json } from "../execution/program.js";
import type { CallRecord, Trace } from "../execution/trace.js";

/** What no sequential order explains. */
export interface Unexplained {
  readonly way: string;
  readonly message: string;
}

/**
 * Looks for an order of the calls that the model's sequential reference could have run them in, with the answers that
 * they gave and the final state that there is, such that a call which had ended before another began comes first
 * (linearizability, Herlihy and Wing, TOPLAS 1990). The search is that of Wing and Gong (1993), with what has been seen
 * to lead nowhere remembered (Lowe 2017).
 *
 * @returns What cannot be explained; undefined when an order was found, or when the model has no reference.
 */
export function unexplained(model: AnyModel, initial: Json, trace: Trace, world: unknown): Unexplained | undefined {
  const { reference } = model;
  if (reference === undefined) return undefined;
  const search = new Search(model, callsOf(model, trace));
  const start = fromModel(model, "initial of the reference", () => reference.initial(initial));
  const mismatches = new Map<string, string>();
  const fits = (state: unknown): boolean => {
    const broken = fromModel(model, "final of the reference", () =>
      reference.final?.(state, trace.state as State, { world }),
    );
    if (broken === undefined) return true;
    const { way, message } = parts(broken);
    if (!mismatches.has(way)) mismatches.set(way, message);
    return false;
  };
  if (search.order(start, fits)) return undefined;
  // Every order that explains the answers ends in a state that is not the one there is; the first in the alphabet speaks
  // for them all, so that the same bug always has the same name.
  const [mismatch] = [...mismatches].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (mismatch !== undefined) return { way: mismatch[0], message: mismatch[1] };
  return search.answer(start);
}

function parts(broken: Broken): Unexplained {
  return typeof broken === "string" ? { way: "final state", message: broken } : broken;
}

/** The calls that the reference knows; of an operation that made none, the operation itself. */
function callsOf({ reference }: AnyModel, { calls = [], operations }: Trace): CallRecord[] {
  const known = (name: string) => Object.hasOwn(reference!.explain, name);
  const called = calls.filter(({ name }) => known(name));
  const whole = operations
    .filter(({ actor, index }) => !calls.some((call) => call.actor === actor && call.operation === index))
    .filter(({ operation, steps }) => known(operation) && steps !== null)
    .map(({ actor, index, operation, parameters, steps, result }) => {
      const [begin, last] = steps!;
      return { actor, operation: index, name: operation, parameters, begin, end: last + 1, result };
    });
  return [...called, ...whole].toSorted((a, b) => a.begin - b.begin || a.end - b.end);
}

function endOf(result: CallRecord["result"]): string {
  if ("returned" in result) return `answered ${JSON.stringify(result.returned)}`;
  if ("threw" in result) return `failed with "${result.threw.message}"`;
  return "crashed";
}

/** Whether one call had ended before another began. Of two that took no step, at the same moment, neither did. */
function precedes(a: CallRecord, b: CallRecord): boolean {
  return a.end <= b.begin && b.end > a.begin;
}

class Search {
  readonly #model: AnyModel;
  readonly #calls: readonly CallRecord[];

  constructor(model: AnyModel, calls: readonly CallRecord[]) {
    this.#model = model;
    this.#calls = calls;
  }

  /** Whether some order of the calls leads from a state to one that fits. */
  order(start: unknown, fits: (state: unknown) => boolean, calls = this.#calls): boolean {
    const hopeless = new Set<string>();
    const from = (state: unknown, left: readonly CallRecord[]): boolean => {
      if (left.length === 0) return fits(state);
      const key = `${left.map((call) => calls.indexOf(call)).join()} ${JSON.stringify(state)}`;
      if (hopeless.has(key)) return false;
      for (const call of left) {
        if (left.some((other) => precedes(other, call))) continue;
        const rest = left.filter((other) => other !== call);
        if (this.#explain(state, call).some((next) => from(next, rest))) return true;
      }
      hopeless.add(key);
      return false;
    };
    return from(start, calls);
  }

  /** The first call, in the order in which they ended, whose answer no order explains. */
  answer(start: unknown): Unexplained {
    const ended = this.#calls.toSorted((a, b) => a.end - b.end);
    const upTo = ended.findIndex((call, i) => {
      // What had begun by then may have had its effect, whatever it answers later.
      const before = ended.slice(0, i + 1);
      const underway = ended.slice(i + 1).filter(({ begin }) => begin < call.end);
      const open = underway.map((other): CallRecord => ({ ...other, end: Infinity, result: { crashed: true } }));
      return !this.order(start, () => true, [...before, ...open]);
    });
    const { actor, name, parameters, result } = ended[Math.max(0, upTo)]!;
    const what = endOf(result);
    return {
      way: `answer of ${name}`,
      message: `"${name}" of ${actor}, with ${JSON.stringify(parameters)}, ${what}, which no order of the calls explains`,
    };
  }

  #explain(state: unknown, call: CallRecord): readonly unknown[] {
    const explain = this.#model.reference!.explain[call.name]!;
    return fromModel(this.#model, `explain of "${call.name}" of the reference`, () => explain(state, call));
  }
}
