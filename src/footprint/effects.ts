import type { AdvisoryLock, Lock } from "./locks.js";
import type { Rows } from "./values.js";

/** Some rows of a table, and what of them. */
export interface Access {
  readonly table: string;
  readonly rows: Rows;
  /** `all` is more than every column: whether the rows exist. */
  readonly columns: ReadonlySet<string> | "all";
}

/** What a statement does, whatever the isolation and the transaction that it stands in. */
export interface Effects {
  /** Why nothing is known of it. */
  opaque: string | undefined;
  /** Whether it may change tables, functions or triggers: then the catalog is no longer what was read. */
  defines: boolean;
  /** Whether it runs functions of the user's. */
  calls: boolean;
  /** What it reads by the snapshot of its transaction or its own. */
  readonly reads: Access[];
  /** What it reads as it is now, whatever the snapshot: checks of foreign keys, rows that ON CONFLICT meets. */
  readonly freshReads: Access[];
  readonly writes: Access[];
  /** Locks it takes. */
  readonly wants: Lock[];
  /** Advisory locks of the session that it gives up. */
  readonly unlocks: AdvisoryLock[];
  /** Whether what it does depends on whether it would have to wait. */
  probes: boolean;
  /** Whether it sends a notification, or begins or ends to listen: both at COMMIT. */
  notifies: boolean;
  listens: boolean;
  /** Whether it takes numbers from sequences. */
  draws: boolean;
  /** What is done at COMMIT for it: deferred checks. */
  late: Effects | undefined;
}

export function noEffects(): Effects {
  return {
    opaque: undefined,
    defines: false,
    calls: false,
    reads: [],
    freshReads: [],
    writes: [],
    wants: [],
    unlocks: [],
    probes: false,
    notifies: false,
    listens: false,
    draws: false,
    late: undefined,
  };
}

/** Adds what one statement does to what another one does. */
export function add(into: Effects, more: Effects): void {
  into.opaque ??= more.opaque;
  into.defines ||= more.defines;
  into.calls ||= more.calls;
  for (const list of ["reads", "freshReads", "writes"] as const) into[list].push(...more[list]);
  into.wants.push(...more.wants);
  into.unlocks.push(...more.unlocks);
  into.probes ||= more.probes;
  into.notifies ||= more.notifies;
  into.listens ||= more.listens;
  into.draws ||= more.draws;
  if (more.late !== undefined) add((into.late ??= noEffects()), more.late);
}
