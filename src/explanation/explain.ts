import type { Assignment, Executed } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import type { Program } from "../execution/program.js";
import type { Step, Trace } from "../execution/trace.js";
import { Footprints } from "../footprint/footprints.js";
import type { Violation } from "../oracle/violation.js";
import { eventsOf, happensBefore, type Event } from "../strategy/events.js";
import type { Edge, Explanation } from "./explanation.js";
import { sourcesOf } from "./sites.js";
import { staleReads } from "./stale.js";
import { nearestPassing, reasonOf, samePassing } from "./swap.js";
import { Watch } from "./watch.js";

/** Longer executions are not looked at after every step: what is shrunk is shorter. */
const longest = 600;

/** What there is to explain: an execution, and somebody who looked on. */
export interface Watched {
  readonly executed: Executed;
  readonly watch: Watch;
}

/** Who looks on while a program is run, for {@link explain}; nobody where that would take too long. */
export async function watchOf(
  lanes: Lanes,
  { model, program }: Assignment,
  { steps }: Trace,
): Promise<Watch | undefined> {
  if (steps.length > longest) return undefined;
  const footprints = await footprintsOf(lanes, model, program);
  const alone = footprints?.();
  return new Watch((step) => isPlainRead(step, alone));
}

/**
 * Says what was seen of a counterexample, and runs what is next to it.
 *
 * @param assignment What was run.
 * @param violations What it broke.
 * @param before An explanation of the same: of what is next to it, only what passed is run again.
 * @throws {PostgresError} When Postgres goes away.
 */
export async function explain(
  lanes: Lanes,
  assignment: Assignment,
  { executed, watch }: Watched,
  violations: readonly Violation[],
  before?: Explanation,
): Promise<Explanation> {
  const { model, program } = assignment;
  const footprintsNow = await footprintsOf(lanes, model, program);
  const { trace } = executed;
  const events = eventsOf(executed, footprintsNow?.());
  const failed = { executed, events, violations };
  const footprints = events.flatMap((event) => event.footprints?.slice(0, 1) ?? []);
  const isKnown = footprintsNow !== undefined;
  return {
    sites: trace.steps.map(({ index }) => watch.sites[index] ?? null),
    sources: sourcesOf(watch.sites),
    views: watch.views,
    edges: isKnown ? edgesOf(events) : [],
    stale: isKnown ? staleReads(trace, watch.readings, footprints) : [],
    swap:
      before === undefined
        ? await nearestPassing(lanes, assignment, failed)
        : await samePassing(lanes, assignment, failed, before.swap),
  };
}

/** Undefined where the catalog tells of another schema than the program's. */
async function footprintsOf(
  lanes: Lanes,
  model: AnyModel,
  { initial }: Program,
): Promise<(() => Footprints) | undefined> {
  const catalog = await lanes.catalog();
  return (model.prepare?.(initial) ?? "") === "" ? () => new Footprints(catalog, lanes.isolation) : undefined;
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
