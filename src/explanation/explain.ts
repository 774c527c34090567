import { firstDifference } from "../execution/compare.js";
import { execute, type Assignment, type Executed } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Program } from "../execution/program.js";
import type { Step, Trace } from "../execution/trace.js";
import { Footprints } from "../footprint/footprints.js";
import type { Violation } from "../oracle/violation.js";
import { eventsOf, happensBefore, type Event } from "../strategy/events.js";
import { Divergence, follow } from "../strategy/follow.js";
import type { Edge, Explanation } from "./explanation.js";
import { sourcesOf } from "./sites.js";
import { staleReads } from "./stale.js";
import { nearestPassing, reasonOf, samePassing } from "./swap.js";
import { Watch } from "./watch.js";

/** Longer executions are not looked at after every step: what is shrunk is shorter. */
const longest = 600;

/** What there is to explain. */
export interface Unexplained {
  readonly model: AnyModel;
  readonly implementation: string;
  readonly program: Program;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
}

/**
 * Runs a counterexample once more, looking at everything after each step, and then what is next to it.
 *
 * @param before An explanation of the same: of what is next to it, only what passed is run again.
 * @returns Undefined where it does not go the same way again, even when looked at: then nothing is explained by it.
 * @throws {PostgresError} When Postgres goes away.
 */
export async function explain(
  lanes: Lanes,
  { model, implementation, program, trace, violations }: Unexplained,
  before?: Explanation,
): Promise<Explanation | undefined> {
  if (trace.steps.length > longest) return undefined;
  const catalog = await lanes.catalog();
  const known = (model.prepare?.(program.initial) ?? "") === "";
  const assignment: Assignment = { model, implementation, program, pool: assignedPool, record: true };
  const footprintsNow = () => (known ? new Footprints(catalog, lanes.isolation) : undefined);
  const alone = footprintsNow();
  const watch = new Watch((step) => isPlainRead(step, alone));
  const executed = await again(lanes, { ...assignment, observer: watch }, trace);
  if (executed === undefined || firstDifference(trace, executed.trace) !== undefined) return undefined;
  const events = eventsOf(executed, footprintsNow());
  const failed = { executed, events, violations };
  const footprints = events.flatMap((event) => event.footprints?.slice(0, 1) ?? []);
  return {
    sites: trace.steps.map(({ index }) => watch.sites[index] ?? null),
    sources: sourcesOf(watch.sites),
    views: watch.views,
    edges: known ? edgesOf(events) : [],
    stale: known ? staleReads(executed.trace, watch.readings, footprints) : [],
    swap:
      before === undefined
        ? await nearestPassing(lanes, assignment, failed)
        : await samePassing(lanes, assignment, failed, before.swap),
  };
}

async function again(lanes: Lanes, assignment: Assignment, { schedule }: Trace): Promise<Executed | undefined> {
  try {
    return await lanes.run((lane) => execute(lane, assignment, follow(schedule)));
  } catch (error) {
    if (error instanceof Divergence) return undefined;
    throw error;
  }
}

/** Whether a step is a query that does nothing but read, and may be asked again. */
function isPlainRead({ kind, text, outcome, fault }: Step, footprints: Footprints | undefined): boolean {
  if (footprints === undefined || kind !== "statement" || fault !== undefined) return false;
  if (outcome.kind !== "rows" || outcome.command !== "SELECT") return false;
  const footprint = footprints.of({ actor: "", session: "", kind, text, values: [] });
  const { opaque, reads, writes, publishes, wants, notifies, listens } = footprint;
  const isLocking = wants.some((lock) => lock.kind !== "table" || lock.mode !== "ACCESS SHARE");
  return (
    opaque === undefined &&
    reads.length > 0 &&
    writes.length + publishes.length === 0 &&
    !isLocking &&
    !notifies &&
    !listens
  );
}

/** Of the conflicts between actors, those that do not follow from others. */
function edgesOf(events: readonly Event[]): Edge[] {
  return happensBefore(events)
    .races.filter(([from, to]) => events[from]!.actor !== events[to]!.actor)
    .map(([from, to]) => ({ from, to, reason: reasonOf(events[from]!, events[to]!) }));
}
