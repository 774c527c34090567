import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import { RaceproofError, UsageError } from "../errors.js";
import { conflict } from "../footprint/conflict.js";
import { forAMoment, judge } from "../oracle/judge.js";
import type { Violation } from "../oracle/violation.js";
import { happensBefore, type Event, type HappensBefore } from "../strategy/events.js";
import { followOrder } from "../strategy/follow.js";
import type { Switch } from "../strategy/schedule.js";
import type { Edge, Passing, Swap } from "./explanation.js";

/** Executions that may be tried. */
const atMost = 16;

/** Those that are tried together. A number of its own, so that what is found does not depend on the lanes. */
const atOnce = 4;

/** A race, and an order in which it goes the other way round. */
interface Candidate {
  readonly edge: Edge;
  readonly order: readonly Omit<Switch, "step">[];
}

/** What there is to compare with. */
export interface Failed {
  readonly executed: Executed;
  readonly events: readonly Event[];
  readonly violations: readonly Violation[];
}

/**
 * Which of two neighbouring steps to swap so that what broke holds, found by running it. Neighbours are two steps that
 * conflict with nothing between them that orders them: what stands between in the record can be moved away without anybody
 * noticing. The nearest come first; an order that breaks nothing at all is better than one that breaks something else.
 */
export async function nearestPassing(lanes: Lanes, assignment: Assignment, failed: Failed): Promise<Swap | null> {
  const { executed, events, violations } = failed;
  const relation = happensBefore(events);
  const candidates = relation.races
    .map(([first, second]) => reversed(executed, events, relation, first, second))
    .toSorted((a, b) => a.edge.to - a.edge.from - (b.edge.to - b.edge.from) || a.edge.from - b.edge.from)
    .slice(0, atMost);
  if (candidates.length === 0) return null;
  let nearest: Passing | undefined;
  let tried = 0;
  while (tried < candidates.length && nearest?.breaks.length !== 0) {
    const few = candidates.slice(tried, tried + atOnce);
    const all = await Promise.all(few.map((candidate) => attempt(lanes, assignment, candidate, violations)));
    const passing = all.filter((each) => each !== undefined);
    nearest = passing.find(({ breaks }) => breaks.length === 0) ?? nearest ?? passing[0];
    tried += few.length;
  }
  return { tried, passing: nearest ?? null };
}

/** The swap that was found before, run once more. */
export async function samePassing(
  lanes: Lanes,
  assignment: Assignment,
  failed: Failed,
  found: Swap | null,
): Promise<Swap | null> {
  const { executed, events, violations } = failed;
  const passing = found?.passing ?? undefined;
  if (found === null || passing === undefined) return found;
  const candidate = reversed(executed, events, happensBefore(events), passing.first, passing.second);
  return { ...found, passing: (await attempt(lanes, assignment, candidate, violations)) ?? null };
}

/** Up to the first step, then what does not depend on it, the second, the first, and the rest. */
function reversed(
  { trace }: Executed,
  events: readonly Event[],
  { before }: HappensBefore,
  first: number,
  second: number,
): Candidate {
  const bit = 1n << BigInt(first);
  const isBehind = (index: number) => index > first && (before[index]! & bit) !== 0n;
  const between = [...events.keys()].filter((index) => index > first && index < second);
  const [behind, free] = [[] as number[], [] as number[]];
  for (const index of between) (isBehind(index) ? behind : free).push(index);
  const indices = [
    ...Array.from({ length: first }, (_, index) => index),
    ...free,
    second,
    first,
    ...behind,
    ...Array.from({ length: events.length - second - 1 }, (_, index) => second + 1 + index),
  ];
  const order = indices.map((index) => {
    const { session, fault } = trace.steps[index]!;
    return { to: session, ...(fault === undefined ? {} : { fault }) };
  });
  return { edge: { from: first, to: second, reason: reasonOf(events[first]!, events[second]!) }, order };
}

/** Why two steps of different actors may not be swapped. */
export function reasonOf(a: Event, b: Event): string {
  for (const one of a.footprints ?? [])
    for (const other of b.footprints ?? []) {
      const found = conflict(one, other);
      if (found !== undefined) return found.reason;
    }
  return "nothing is known of them";
}

/** Broken as the counterexample breaks it, or in the end as well, if in another way: the opposite mistake is none that passes. */
function isSame({ invariant, way }: Violation, broken: readonly Violation[]): boolean {
  return broken.some(
    (each) =>
      each.invariant === invariant &&
      (each.way === way || !(way.endsWith(forAMoment) || each.way.endsWith(forAMoment))),
  );
}

async function attempt(
  lanes: Lanes,
  assignment: Assignment,
  { edge, order }: Candidate,
  broken: readonly Violation[],
): Promise<Passing | undefined> {
  const { model, program } = assignment;
  try {
    const executed = await lanes.run((lane) => execute(lane, { ...assignment, record: true }, followOrder(order)));
    const { steps, operations, displayBefore } = executed.trace;
    const violations = judge(model, program, executed);
    if (violations.some((each) => isSame(each, broken))) return undefined;
    const swapped = steps.findIndex(({ session }, index) => session !== order[index]?.to);
    // It must have come that way as far as the swap itself.
    if (swapped >= 0 && swapped <= edge.from + 1) return undefined;
    return {
      first: edge.from,
      second: edge.to,
      reason: edge.reason,
      breaks: violations.map(({ invariant, way }) => `${invariant}: ${way}`),
      steps,
      operations,
      ...(displayBefore === undefined ? {} : { displayBefore }),
    };
  } catch (error) {
    // An order that cannot be run to its end is none that passes.
    if (error instanceof UsageError || !(error instanceof RaceproofError)) throw error;
    return undefined;
  }
}
