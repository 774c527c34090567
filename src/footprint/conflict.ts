import type { Access } from "./effects.js";
import type { Conflict, Footprint } from "./footprint.js";
import { excludes, type Lock } from "./locks.js";
import { mayOverlap } from "./values.js";
import { accessText, lockText } from "./words.js";

/**
 * Why two steps of different sessions may not be swapped; symmetric, but for who is named first.
 *
 * Both footprints are of steps that could be neighbours: in every state in which both are pending, either order gives
 * the same answers, the same waits and the same state, if this says undefined. It assumes what the footprints that it is
 * given do.
 *
 * @returns Undefined where they are sure to commute.
 */
export function conflict(a: Footprint, b: Footprint): Conflict | undefined {
  const reason = whyEither(a, b);
  return reason === undefined ? undefined : { reason };
}

function whyEither(a: Footprint, b: Footprint): string | undefined {
  return whyThemselves(a, b) ?? whyLetGo(a, b) ?? whyLetGo(b, a);
}

function whyThemselves(a: Footprint, b: Footprint): string | undefined {
  if (a.yields && b.yields) return "both may touch what actors share outside Postgres";
  if (isPureYield(a) || isPureYield(b)) return undefined;
  return whyOpaque(a) ?? whyOpaque(b) ?? whyBoth(a, b) ?? why(a, b) ?? why(b, a);
}

function whyOpaque({ session, opaque }: Footprint): string | undefined {
  return opaque === undefined ? undefined : `${session}'s step may do anything: ${opaque}`;
}

/** Yield points touch nothing in Postgres; a crash does. */
function isPureYield({ yields, opaque, givesUp, letsGo, serializable }: Footprint): boolean {
  return yields && opaque === undefined && givesUp.length + letsGo.length === 0 && !serializable;
}

function whyBoth(a: Footprint, b: Footprint): string | undefined {
  const wanted = meeting(a.wants, b.wants);
  if (wanted !== undefined) return `both lock ${lockText(wanted)}`;
  if (a.draws && b.draws) return "both take numbers from sequences";
  const placed = [...a.places].find((table) => b.places.has(table));
  if (placed !== undefined) return `both write rows of ${placed}, which are shown in the order in which they lie`;
  if (a.notifies && b.notifies) return "both notify, and who listens sees in which order";
  if (a.serializable && b.serializable)
    return "both are of serializable transactions: who fails may depend on their order";
  if (a.waitsFor.has(b.session) && b.waitsFor.has(a.session))
    return "each may wait for the other: who comes last is the deadlock's victim";
  return undefined;
}

/** What of a's step b's step notices. */
function why(a: Footprint, b: Footprint): string | undefined {
  const published = reading(a.publishes, b.reads);
  if (published !== undefined) return `${a.session} publishes ${accessText(published)}, which ${b.session} reads`;
  if (a.publishes.length > 0 && b.snapshot) return `${a.session} publishes, and ${b.session} takes its snapshot`;
  const given = meeting(a.givesUp, b.wants);
  if (given !== undefined) return `${a.session} gives up ${lockText(given)}, which ${b.session} asks for`;
  const risked = a.mayFail && b.probes ? meeting(a.holds, b.wants) : undefined;
  if (risked !== undefined)
    return `an error would make ${a.session} give up ${lockText(risked)}, and ${b.session} looks whether it is free`;
  if (a.notifies && (b.listens || b.listening)) return `${a.session} notifies, and ${b.session} listens`;
  return undefined;
}

/** Who waits behind a goes on as part of a's step. */
function whyLetGo(a: Footprint, b: Footprint): string | undefined {
  for (const waiting of a.letsGo) {
    if (waiting.session === b.session) continue;
    const reason = whyThemselves(waiting, b);
    if (reason !== undefined) return `${a.session} may let ${waiting.session} go on, and then: ${reason}`;
  }
  return undefined;
}

function meeting(some: readonly Lock[], others: readonly Lock[]): Lock | undefined {
  return some.find((lock) => others.some((other) => excludes(lock, other)));
}

function reading(published: readonly Access[], reads: readonly Access[]): Access | undefined {
  return published.find((write) => reads.some((read) => isSeen(write, read)));
}

function isSeen(write: Access, read: Access): boolean {
  return write.table === read.table && share(write.columns, read.columns) && mayOverlap(write.rows, read.rows);
}

/** Rows that appear or go are seen whatever is read of them. */
function share(written: Access["columns"], read: Access["columns"]): boolean {
  if (written === "all" || read === "all") return true;
  return [...written].some((column) => read.has(column));
}
