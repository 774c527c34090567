/**
 * What one step reads, writes and locks, as far as other sessions can notice; made by a footprint reader for one session
 * at one moment of its transaction. Two footprints are compared with {@link conflict}; what is inside is this room's own.
 */
export interface Footprint {
  /** For people: what it touches, e.g. `reads t (id = 1)`, `writes t (id = 1)`, `publishes and gives up what its transaction wrote`. */
  readonly summary: string;
}

/** Why two steps of different sessions may not be swapped. */
export interface Conflict {
  /** E.g. `both write t (id = 1)`, `COMMIT publishes t.n, which the other reads`. */
  readonly reason: string;
}
