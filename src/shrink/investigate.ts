import type { Assignment } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import { firstDifference } from "../execution/compare.js";
import type { Actor, Program } from "../execution/program.js";
import { aboutPrograms, type Exploration } from "../explore/explore.js";
import { execute } from "../execution/execution.js";
import { signatureOf, wayOf } from "../oracle/violation.js";
import { judge } from "../oracle/judge.js";
import { followOrder } from "../strategy/follow.js";
import { turnsOf } from "./candidates.js";
import { replay, replayExecuted, type Recording, type Replay } from "./confirm.js";
import { explain, watchOf, type Watched } from "../explanation/explain.js";
import type { Explanation } from "../explanation/explanation.js";
import type { OriginalStep } from "./counterexample.js";
import { Memory } from "./memory.js";
import type { Minimality } from "./minimality.js";
import { compareFailures, waysOf, type Failing } from "./rank.js";
import { shrink, shrinkToMinimum, type Minimal, type Shrunk } from "./shrink.js";
import { compareSizes, sizeOf, type Size } from "./size.js";
import { withStandIns } from "./stand-ins.js";

/** A failure in its smallest form, recorded in full and replayed. */
export interface Found extends Failing {
  readonly signature: string;
  readonly from: Size;
  /** The steps of the execution that was shrunk. */
  readonly original: readonly OriginalStep[];
  readonly to: Size;
  /** Executions that shrinking took. */
  readonly executions: number;
  readonly minimality: Minimality;
  /** Why it breaks, as far as running it again told. */
  readonly explanation?: Explanation;
  readonly confirmed: { readonly reproduced: number; readonly times: number };
}

export interface InvestigateOptions {
  readonly lanes: Lanes;
  /** Lanes in databases where nothing but such replays was ever run, to replay on what is found. */
  readonly replayLanes: () => Promise<Lanes>;
  readonly model: AnyModel;
  readonly implementation: string;
  /**
   * What broke others of the model's implementations, in its smallest form. Where it breaks this one in the same ways, and
   * nothing smaller was seen, it is taken as it is, and only looked at briefly.
   */
  readonly hints?: readonly Failing[];
  /** What is known to break already: what shows only that is not investigated again. */
  readonly known?: readonly Pick<Found, "violations">[];
  /**
   * Executions that shrinking may take for all that was found, and at least for each way; programs with more than
   * `mostOrders` orders are not gone through to prove something minimal.
   */
  readonly budget: { readonly inAll: number; readonly least: number; readonly mostOrders?: number };
  /** Aborted when nothing is to be run any more. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted when there is no time left for shrinking: then what is found is replayed as it is. */
  readonly enough?: AbortSignal | undefined;
  /** Called as shrinking goes on, with the way of breaking at hand. */
  readonly onShrink?: ((way: string, executions: number) => void) | undefined;
}

/** Replays of the final form before anybody is told about it; fewer where it is another implementation's as well. */
const confirmations = { own: 10, asElsewhere: 3 };

interface Shrunken extends Shrunk {
  /** Whether it is the smallest form of what breaks another implementation in the same ways. */
  readonly isAsElsewhere: boolean;
  readonly from: Size;
  readonly original: readonly OriginalStep[];
  /** The way of breaking that it was shrunk for. */
  readonly target: string;
}

/**
 * For each way in which an invariant broke, the smallest counterexample that shows it; one that shows only what smaller
 * ones show already is left out. Once interrupted, failures are kept as large as they are by then.
 */
export async function investigate(exploration: Exploration, options: InvestigateOptions): Promise<Found[]> {
  const { lanes, model, implementation, onShrink } = options;
  const signal = AbortSignal.any([options.signal, options.enough].filter((each) => each !== undefined));
  let way = "";
  const memory = new Memory({
    lanes,
    assignment: { model, implementation, pool: assignedPool, record: false },
    about: await aboutPrograms(lanes, model),
    onProgress: (executions) => onShrink?.(way, executions),
  });
  const shrunk: Shrunken[] = [];
  const known = new Set((options.known ?? []).flatMap(({ violations }) => violations.map(wayOf)));
  const ways = new Set(exploration.failures.flatMap(({ violations }) => violations.map(wayOf)));
  let budgetLeft = options.budget.inAll;
  const invariants = new Set<string>();
  for (way of smallestFirst(exploration, ways)) {
    if (known.has(way)) continue;
    // The first way of breaking an invariant is worth what there is; it is what others are told of first.
    const invariant = invariantOf(exploration, way);
    const { least } = options.budget;
    const budget = invariants.has(invariant) ? least : Math.max(budgetLeft, least);
    invariants.add(invariant);
    const elsewhere = await sameElsewhere(options.hints ?? [], exploration, memory, model, way);
    if (elsewhere !== undefined) {
      shrunk.push({ ...elsewhere, target: way });
      continue;
    }
    for (const failure of startingPoints(exploration, memory, way)) {
      const atMost = smallestOf(shrunk, way);
      // What is shrunk already shows it, and nothing smaller that does was seen.
      if (atMost !== undefined && compareSizes(sizeOf(failure.trace), atMost) >= 0) continue;
      const smallest = await shrink(failure, {
        model,
        target: way,
        atMost,
        memory,
        budget,
        signal,
      });
      budgetLeft -= smallest.executions;
      shrunk.push({ ...smallest, ...originOf(failure), isAsElsewhere: false, target: way });
    }
  }
  const left: (Shrunken & Minimal)[] = [];
  const { least: budget, mostOrders } = options.budget;
  for (;;) {
    const all: readonly (Shrunken | (Shrunken & Minimal))[] = [...left, ...shrunk];
    const each = notCovered(model, all, known).find((one) => !("minimality" in one));
    if (each === undefined) break;
    way = each.target;
    const { isAsElsewhere } = each;
    const minimum = await shrinkToMinimum(each, {
      model,
      target: way,
      memory,
      budget,
      mostOrders,
      isAsElsewhere,
      signal,
    });
    left.push({ ...each, ...minimum });
    // In what it no longer breaks, nothing else may: then it is looked at once more, for that.
    const lost = [...waysOf(each)].filter((other) => !waysOf(minimum).has(other));
    shrunk.splice(shrunk.indexOf(each), 1, ...lost.map((target) => ({ ...each, target })));
  }
  return confirmAll(notCovered(model, left, known), options);
}

/** The smallest first, and of the same size those that show the most; without those that show nothing new. */
function notCovered<T extends Failing>(model: AnyModel, shrunk: readonly T[], known: ReadonlySet<string>): T[] {
  const covered = new Set(known);
  const order = (a: T, b: T) =>
    compareSizes(sizeOf(a.trace), sizeOf(b.trace)) || waysOf(b).size - waysOf(a).size || compareFailures(model, a, b);
  return shrunk.toSorted(order).filter((each) => {
    const own = [...waysOf(each)];
    const isNew = own.some((way) => !covered.has(way));
    for (const way of own) covered.add(way);
    return isNew;
  });
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

/** Hints of which the memory is to know whether they break here, for each way of breaking. */
const hintsTried = 4;

/**
 * The smallest of what broke others in this way, if it breaks this implementation in the same ways as those, and nothing
 * smaller was seen to. What breaks in other ways as well is where shrinking may begin.
 */
async function sameElsewhere(
  hints: readonly Failing[],
  exploration: Exploration,
  memory: Memory,
  model: AnyModel,
  way: string,
): Promise<Omit<Shrunken, "target"> | undefined> {
  const own = hints.filter((hint) => waysOf(hint).has(way)).toSorted((a, b) => compareFailures(model, a, b));
  // Others break by the same.
  const different = new Map(own.map((hint) => [JSON.stringify([hint.program, turnsOf(hint.trace.steps)]), hint]));
  const few = [...different.values()].slice(0, hintsTried);
  const ran = await Promise.all(few.map(({ program, trace }) => memory.along(program, turnsOf(trace.steps))));
  const seen = [...exploration.failures, ...memory.failures].filter((failing) => waysOf(failing).has(way));
  const smallest = bySize(seen)[0]!;
  const index = ran.findIndex(
    (each, at) => each !== undefined && signatureOf(each.violations) === signatureOf(few[at]!.violations),
  );
  if (index < 0) return undefined;
  const { trace, violations } = ran[index]!;
  if (compareSizes(sizeOf(smallest.trace), sizeOf(trace)) < 0) return undefined;
  const start = bySize(exploration.failures.filter((failing) => waysOf(failing).has(way)))[0]!;
  return {
    program: few[index]!.program,
    trace,
    violations,
    executions: few.length,
    isAsElsewhere: true,
    ...originOf(start),
  };
}

/** Where shrinking begins: the smallest failure, the one that breaks in the fewest ways, and the most frequent kind. */
function startingPoints({ failures, seen }: Exploration, memory: Memory, way: string): Set<Failing> {
  const breaks = ({ violations }: Failing) => violations.some((violation) => wayOf(violation) === way);
  const candidates: Failing[] = failures.filter(breaks);
  const smaller = memory.failures.filter(breaks);
  const purest = bySize([...candidates, ...smaller]).toSorted((a, b) => a.violations.length - b.violations.length);
  const times = ({ violations }: Failing) => seen.get(signatureOf(violations))?.times ?? 0;
  const commonest = bySize(candidates).toSorted((a, b) => times(b) - times(a));
  return new Set([bySize([...candidates, ...smaller])[0]!, purest[0]!, commonest[0]!]);
}

async function confirmAll(shrunk: readonly (Shrunken & Minimal)[], options: InvestigateOptions): Promise<Found[]> {
  if (shrunk.length === 0) return [];
  const lanes = await options.replayLanes();
  return Promise.all(shrunk.map((each) => confirm(each, lanes, options)));
}

/** Records the final form in full, and replays it; of both, somebody looks on who can tell the reasons. */
async function confirm(failing: Shrunken & Minimal, lanes: Lanes, options: InvestigateOptions): Promise<Found> {
  const recorded = (await recordOf(asTheyAppear(failing), lanes, options)) ?? (await recordOf(failing, lanes, options));
  const { program, trace, violations } = recorded ?? failing;
  const recording = { schedule: trace.schedule, trace, violations };
  const times = failing.isAsElsewhere ? confirmations.asElsewhere : confirmations.own;
  const [full, ...others] = await Promise.all([
    // One of them in full: what is not the same in both is none of the counterexample's.
    replayInFull(lanes, assign(options, program, true), recording, recorded?.watched !== undefined),
    ...Array.from({ length: times - 1 }, () => replay(lanes, assign(options, program, false), recording)),
  ]);
  const replays = [full.replay, ...others];
  const other = full.replay.kind === "reproduced" ? full : undefined;
  const told = await reasonsOf({ program, trace, violations }, [recorded?.watched, other?.watched], lanes, options);
  const signature = signatureOf(violations);
  return {
    ...failing,
    program,
    ...withoutExplanation(
      other === undefined
        ? { trace, violations, explanation: undefined }
        : withStandIns(
            { trace, violations, explanation: told[0] },
            { trace: other.replay.trace, violations: other.replay.violations, explanation: told[1] },
          ),
    ),
    signature,
    to: sizeOf(trace),
    confirmed: { reproduced: replays.filter(({ kind }) => kind === "reproduced").length, times },
  };
}

/** Left out where there is none. */
function withoutExplanation<T extends { readonly explanation: Explanation | undefined }>({ explanation, ...rest }: T) {
  return { ...rest, ...(explanation === undefined ? {} : { explanation }) };
}

/** What it was shrunk from. */
function originOf({ trace }: Failing): Pick<Shrunken, "from" | "original"> {
  const original = trace.steps.map(({ actor, session, kind, text, fault }) => ({
    actor,
    session,
    kind,
    ...(fault === undefined ? {} : { fault }),
    text,
  }));
  return { from: sizeOf(trace), original };
}

/**
 * Why it breaks, told twice, as it was seen twice: what is not the same in both is none of the counterexample's. Who
 * interrupts wants to see what there is, and waits for no reasons.
 */
async function reasonsOf(
  { program, violations }: Failing,
  [first, second]: readonly (Watched | undefined)[],
  lanes: Lanes,
  options: InvestigateOptions,
): Promise<readonly Explanation[]> {
  if (first === undefined || second === undefined || options.signal?.aborted === true) return [];
  const assignment = assign(options, program, true);
  const explanation = await explain(lanes, assignment, first, violations);
  return [explanation, await explain(lanes, assignment, second, violations, explanation)];
}

/** The actors in the order in which they take their first steps, so that the first column of a report is the first to act. */
function asTheyAppear({ program, trace, violations }: Failing): Failing {
  const first = ({ name }: Actor) => {
    const index = trace.steps.findIndex(({ actor }) => actor === name);
    return index < 0 ? Infinity : index;
  };
  const actors = program.actors
    .filter(({ operations }) => operations.length > 0)
    .toSorted((a, b) => (first(a) < first(b) ? -1 : Number(first(a) > first(b))));
  return { program: { ...program, actors }, trace, violations };
}

/** A failure that was run once more, in full. */
interface Recorded extends Failing {
  /** Where that went the same way although somebody looked on. */
  readonly watched: Watched | undefined;
}

/** A failure once more, in full; undefined where it does not do the same again: the replays of what was seen will say so. */
async function recordOf(
  { program, trace, violations }: Failing,
  lanes: Lanes,
  options: InvestigateOptions,
): Promise<Recorded | undefined> {
  const { model } = options;
  const assignment = assign(options, program, true);
  const watch = await watchOf(lanes, assignment, trace);
  for (const observer of new Set([watch, undefined])) {
    const executed = await lanes.run((lane) =>
      execute(lane, { ...assignment, ...(observer && { observer }) }, followOrder(turnsOf(trace.steps))),
    );
    const again = judge(model, program, executed);
    if (firstDifference(trace, executed.trace) === undefined && signatureOf(again) === signatureOf(violations)) {
      const watched = observer && { executed, watch: observer };
      return { program, trace: executed.trace, violations: again, watched };
    }
  }
  return undefined;
}

/** Where it goes another way because somebody looks on, that says nothing of it: then it is replayed with nobody there. */
async function replayInFull(
  lanes: Lanes,
  assignment: Assignment,
  recording: Recording,
  isWatched: boolean,
): Promise<{ readonly replay: Replay; readonly watched?: Watched }> {
  const watch = isWatched ? await watchOf(lanes, assignment, recording.trace) : undefined;
  if (watch !== undefined) {
    const { replay, executed } = await replayExecuted(lanes, { ...assignment, observer: watch }, recording);
    if (replay.kind === "reproduced") return { replay, watched: { executed, watch } };
  }
  return { replay: await replay(lanes, assignment, recording) };
}

function assign({ model, implementation }: InvestigateOptions, program: Program, record: boolean): Assignment {
  return { model, implementation, program, pool: assignedPool, record };
}
