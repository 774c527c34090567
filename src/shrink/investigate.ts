import type { Assignment } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Program } from "../execution/program.js";
import { aboutPrograms, type Exploration } from "../explore/explore.js";
import { execute } from "../execution/execution.js";
import { signatureOf } from "../oracle/violation.js";
import { Divergence, follow } from "../strategy/follow.js";
import { replay } from "./confirm.js";
import type { OriginalStep, Size } from "./counterexample.js";
import { Memory } from "./memory.js";
import { shrink, wayOf, type Failing } from "./shrink.js";
import { compareSizes, sizeOf } from "./size.js";

/** A failure in its smallest form, recorded in full and replayed. */
export interface Found extends Failing {
  readonly signature: string;
  readonly from: Size;
  /** The steps of the execution that was shrunk. */
  readonly original: readonly OriginalStep[];
  readonly to: Size;
  /** Executions that shrinking took. */
  readonly executions: number;
  readonly confirmed: { readonly reproduced: number; readonly times: number };
  /** How many executions of the exploration broke in all of its ways. */
  readonly seen: number;
}

export interface InvestigateOptions {
  readonly lanes: Lanes;
  readonly model: AnyModel;
  readonly implementation: string;
  /** What is known to break already: what shows only that is not investigated again. */
  readonly known?: readonly Found[];
  /** Executions that shrinking may take for all that was found. */
  readonly budget: number;
  readonly signal?: AbortSignal | undefined;
  /** Called as shrinking goes on, with the way of breaking at hand. */
  readonly onShrink?: ((way: string, executions: number) => void) | undefined;
}

/** What every way gets, when the others have used up the budget. */
const leastBudget = 60;

/** Replays of the final form before anybody is told about it. */
const confirmations = 10;

/**
 * For each way in which an invariant broke, the smallest counterexample that shows it; one that shows only what smaller
 * ones show already is left out. Once interrupted, failures are kept as large as they are by then.
 */
export async function investigate(exploration: Exploration, options: InvestigateOptions): Promise<Found[]> {
  const { lanes, signal, model, implementation, onShrink } = options;
  let way = "";
  const memory = new Memory({
    lanes,
    assignment: { model, implementation, pool: assignedPool, record: false },
    about: await aboutPrograms(lanes, model),
    onProgress: (executions) => onShrink?.(way, executions),
  });
  const shrunk: (Failing & Origin & { executions: number })[] = [];
  const known = new Set((options.known ?? []).flatMap(({ violations }) => violations.map(wayOf)));
  const ways = new Set(exploration.failures.flatMap(({ violations }) => violations.map(wayOf)));
  let left = options.budget;
  const invariants = new Set<string>();
  for (way of smallestFirst(exploration, ways)) {
    if (known.has(way)) continue;
    // The first way of breaking an invariant is worth what there is; it is what others are told of first.
    const invariant = invariantOf(exploration, way);
    const budget = invariants.has(invariant) ? leastBudget : Math.max(left, leastBudget);
    invariants.add(invariant);
    for (const failure of startingPoints(exploration, memory, way)) {
      const atMost = smallestOf(shrunk, way);
      // What is shrunk already shows it, and nothing smaller that does was seen.
      if (atMost !== undefined && sizeOf(failure.trace).operations >= atMost.operations) continue;
      const smallest = await shrink(failure, {
        model,
        target: way,
        atMost,
        memory,
        budget,
        signal,
      });
      left -= smallest.executions;
      shrunk.push({ ...smallest, from: sizeOf(failure.trace), original: originalOf(failure) });
    }
  }
  const covered = new Set(known);
  const found: Found[] = [];
  for (const each of shrunk.toSorted((a, b) => compareSizes(sizeOf(a.trace), sizeOf(b.trace)))) {
    const own = each.violations.map(wayOf);
    if (own.every((way) => covered.has(way))) continue;
    for (const way of own) covered.add(way);
    found.push(await confirm(each, exploration, options));
  }
  return found;
}

function invariantOf({ failures }: Exploration, way: string): string {
  return failures.flatMap(({ violations }) => violations).find((violation) => wayOf(violation) === way)!.invariant;
}

/** Ways, those first of which the smallest failures were seen: what is shrunk for them shows others as well. */
function smallestFirst({ failures }: Exploration, ways: ReadonlySet<string>): string[] {
  const smallest = new Map<string, Size>();
  for (const { trace, violations } of bySize(failures))
    for (const way of violations.map(wayOf)) if (!smallest.has(way)) smallest.set(way, sizeOf(trace));
  return [...ways].toSorted((a, b) => compareSizes(smallest.get(a)!, smallest.get(b)!));
}

/** Of what is shrunk already and breaks in this way, too; undefined when nothing does. */
function smallestOf(shrunk: readonly Failing[], way: string): Size | undefined {
  return shrunk
    .filter(({ violations }) => violations.some((violation) => wayOf(violation) === way))
    .map(({ trace }) => sizeOf(trace))
    .toSorted(compareSizes)[0];
}

function bySize(all: readonly Failing[]): Failing[] {
  return all.toSorted((a, b) => compareSizes(sizeOf(a.trace), sizeOf(b.trace)));
}

/** Where shrinking begins: the smallest failure, the one that breaks in the fewest ways, and the most frequent kind. */
function startingPoints({ failures, seen }: Exploration, memory: Memory, way: string): Set<Failing> {
  const breaks = ({ violations }: Failing) => violations.some((violation) => wayOf(violation) === way);
  const candidates: Failing[] = failures.filter(breaks);
  const smaller = memory.failures.filter(breaks);
  const purest = bySize([...candidates, ...smaller]).toSorted((a, b) => a.violations.length - b.violations.length);
  const times = ({ violations }: Failing) => seen.get(signatureOf(violations)) ?? 0;
  const commonest = bySize(candidates).toSorted((a, b) => times(b) - times(a));
  return new Set([bySize([...candidates, ...smaller])[0]!, purest[0]!, commonest[0]!]);
}

/** Records the final form in full, and replays it. */
async function confirm(
  failing: Failing & Origin & { executions: number },
  { seen }: Exploration,
  options: InvestigateOptions,
): Promise<Found> {
  const program: Program = {
    ...failing.program,
    actors: failing.program.actors.filter(({ operations }) => operations.length > 0),
  };
  const { schedule } = failing.trace;
  const trace = await options.lanes
    .run(async (lane) => (await execute(lane, assign(options, program, true), follow(schedule))).trace)
    .catch((error: unknown) => {
      // It does not do the same again: the replays will say so, and what is known of it is what was seen.
      if (error instanceof Divergence) return failing.trace;
      throw error;
    });
  const recording = { schedule, trace, violations: failing.violations };
  const replays = await Promise.all(
    Array.from({ length: confirmations }, () => replay(options.lanes, assign(options, program, false), recording)),
  );
  const signature = signatureOf(failing.violations);
  const ways = signature.split("; ");
  return {
    ...failing,
    program,
    trace,
    signature,
    to: sizeOf(trace),
    confirmed: { reproduced: replays.filter(({ kind }) => kind === "reproduced").length, times: confirmations },
    seen: [...seen].reduce(
      (sum, [other, times]) => (ways.every((way) => other.split("; ").includes(way)) ? sum + times : sum),
      0,
    ),
  };
}

/** What a counterexample was shrunk from. */
type Origin = Pick<Found, "from" | "original">;

function originalOf({ trace }: Failing): OriginalStep[] {
  return trace.steps.map(({ actor, session, kind, text, fault }) => ({
    actor,
    session,
    kind,
    ...(fault === undefined ? {} : { fault }),
    text,
  }));
}

function assign({ model, implementation }: InvestigateOptions, program: Program, record: boolean): Assignment {
  return { model, implementation, program, pool: assignedPool, record };
}
