import type { PostgresServer } from "../src/postgres/server.js";

/** Several measurements of one thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What a bench found out. */
export interface Figure {
  readonly name: string;
  /** What the value counts: `ratio`, `executions`, `ms`. */
  readonly unit: string;
  /** Undefined where there is none, for the reason that `note` gives. */
  readonly value: Spread | undefined;
  /** How many measurements the spread is of. */
  readonly samples: number;
  /** What we aim at, e.g. `at least 0.8`. */
  readonly aim?: string;
  /** What it was made from. */
  readonly details?: Readonly<Record<string, number | string>>;
  readonly note?: string;
}

/** Under which circumstances a bench is run. */
export interface Setting {
  readonly server: PostgresServer;
  /** As little of it as shows that it works; the figures mean nothing. */
  readonly quick: boolean;
  /** Executions under way at once, where nothing else is said. */
  readonly lanes: number;
  /** How long the run is whose memory is looked at. */
  readonly memoryExecutions: number;
}

/** A performance claim, as something that can be run. */
export interface Bench {
  /** What to call it on the command line. */
  readonly name: string;
  /** What it claims, in a line. */
  readonly about: string;
  run(setting: Setting): AsyncIterable<Figure>;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
