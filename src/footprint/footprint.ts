import type { Access } from "./effects.js";
import type { Lock } from "./locks.js";

/**
 * What one step reads, writes and locks, as far as other sessions can notice; made by a footprint reader for one session
 * at one moment of its transaction. Two footprints are compared with `conflict`; what is inside is this room's own.
 */
export interface Footprint {
  readonly session: string;
  /** Why nothing is known of it. */
  readonly opaque: string | undefined;
  /** Whether what actors share outside Postgres may be touched behind it. */
  readonly yields: boolean;
  /** Published rows that it looks at as they are now. */
  readonly reads: readonly Access[];
  /** Whether it takes the snapshot by which the rest of its transaction reads. */
  readonly snapshot: boolean;
  /** Rows that it writes without publishing them. */
  readonly writes: readonly Access[];
  readonly publishes: readonly Access[];
  /** Tables that it writes rows to, of those that are shown in the order in which their rows lie. */
  readonly places: ReadonlySet<string>;
  /** Whether it takes numbers from sequences that are shown. */
  readonly draws: boolean;
  /** Locks that it takes. */
  readonly wants: readonly Lock[];
  /** Locks that its transaction has before it. */
  readonly holds: readonly Lock[];
  readonly givesUp: readonly Lock[];
  /** Whether an error would give up all that its transaction holds. */
  readonly mayFail: boolean;
  /** Whether what it does depends on whether it would have to wait. */
  readonly probes: boolean;
  /** Sessions that it may have to wait for, directly or through others that wait. */
  readonly waitsFor: ReadonlySet<string>;
  /** Waiting statements of other sessions that may go on behind it, as part of it. */
  readonly letsGo: readonly Footprint[];
  /** Whether Postgres takes note of it for finding serialization anomalies. */
  readonly serializable: boolean;
  readonly notifies: boolean;
  /** Whether it begins or ends to listen. */
  readonly listens: boolean;
  /** Whether its session may be told of notifications. */
  readonly listening: boolean;
}

/** Why two steps of different sessions may not be swapped. */
export interface Conflict {
  /** E.g. `both write t (id = 1)`, `COMMIT publishes t.n, which the other reads`. */
  readonly reason: string;
}
