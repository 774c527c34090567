import { add, noEffects, type Access, type Effects } from "./effects.js";
import type { Lock } from "./locks.js";

/** What a statement comes to, in the transaction that it stands in. */
export interface Deed {
  /** What it does at once, but for publishing. */
  readonly effects: Effects;
  /** What it makes visible to others. */
  readonly publishes: Access[];
  /** Locks that it gives up, or may. */
  readonly givesUp: Lock[];
  /** Whether it takes the snapshot that the rest of its transaction reads by. */
  snapshot: boolean;
  /** Whether its reads are as of now, and not of an earlier snapshot. */
  current: boolean;
  /** Whether serializable transactions take note of it. */
  serializable: boolean;
  notifies: boolean;
  listens: boolean;
}

export function noDeed(): Deed {
  return {
    effects: noEffects(),
    publishes: [],
    givesUp: [],
    snapshot: false,
    current: false,
    serializable: false,
    notifies: false,
    listens: false,
  };
}

/** What two do, one after the other. */
export function union(a: Deed, b: Deed): Deed {
  const effects = noEffects();
  add(effects, a.effects);
  add(effects, b.effects);
  return {
    effects,
    publishes: [...a.publishes, ...b.publishes],
    givesUp: [...a.givesUp, ...b.givesUp],
    snapshot: a.snapshot || b.snapshot,
    current: a.current || b.current,
    serializable: a.serializable || b.serializable,
    notifies: a.notifies || b.notifies,
    listens: a.listens || b.listens,
  };
}
