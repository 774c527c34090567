import { availableParallelism } from "node:os";
import { UsageError } from "../errors.js";
import type { Isolation } from "../execution/model.js";
import type { Progress } from "../explore/explore.js";
import { portfolio } from "../explore/portfolio.js";
import type { Shard } from "../explore/strands.js";
import type { ImplementationVerdict, RememberedReport, VerdictFile } from "../explore/verdict.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { strategyNamed, strategyNames } from "../strategy/named.js";
import type { Strategy } from "../strategy/strategy.js";
import type { Remembered } from "./remembered.js";
import type { Row } from "./rows.js";
import type { ShardResult } from "./shards.js";

/** How far `check` looks, and where. */
export interface CheckOptions {
  /** Which implementations; default: all. */
  readonly implementations?: readonly string[];
  /** `portfolio` (the default), `exhaustive`, `random`, `urw`, `pos`, `pct` or `pct:DEPTH`. */
  readonly strategy?: string;
  /** Any text; the same seed gives the same programs, schedules and verdict. Default: `raceproof`. */
  readonly seed?: string;
  /**
   * At which isolation levels transactions begin that do not say otherwise, and whether things go wrong. Default: the
   * conditions for which the implementation's `expect` records something.
   */
  readonly isolation?: readonly Isolation[];
  readonly faults?: boolean;
  /**
   * Executions for each implementation under each condition. Default: 2,000, fewer where there are more than four of
   * these, or as many as fit when `seconds` is given.
   */
  readonly executions?: number;
  /**
   * Seconds for exploring all implementations under all conditions together, shared evenly; what is expected to hold gets
   * what the others leave, too. Shrinking what was found comes on top. Default: no limit.
   */
  readonly seconds?: number;
  /** Seconds for shrinking what was found, shared in the same way; what is not the smallest by then says so. Default: a limit in executions instead. */
  readonly shrinkSeconds?: number;
  /** Executions under way at once. Default: two for each processor, at least 2, at most 8. */
  readonly lanes?: number;
  /** `embedded`, `container[:image]`, `postgres://…` or a directory with Postgres' programs. Default: `RACEPROOF_POSTGRES`, else embedded. */
  readonly postgres?: string;
  /** Whether to use the server that tests in other files and processes use, too, as long as any of them runs. */
  readonly shared?: boolean;
  /** Whether one violation is enough: it is shrunk, and what else breaks is not looked for. */
  readonly firstOnly?: boolean;
  /** The module that the model came from, relative to the working directory, for counterexample files. */
  readonly module?: string;
  /** Where counterexamples will be written, as verdicts are to name it; default: they name none. */
  readonly reports?: string;
  /** What was found before: it is replayed before anything else. Of other implementations and conditions it is left alone. */
  readonly remembered?: readonly Remembered[];
  /** Which part of the check to do; default: all of it. */
  readonly shard?: Shard;
  /**
   * What all shards of a check came to. Then nothing is explored: what they found is gone on with as one run does that has
   * explored it all, with their seed, strategy, executions and rows. So it comes to the verdict and the counterexamples
   * of one run. ({@link merge} only joins what they have shrunk, and needs no Postgres.)
   */
  readonly shards?: readonly ShardResult[];
  /**
   * A file in which to write down how far the check is, so that one that was interrupted, killed or timed out goes on where
   * it was when it is begun again with the same options. It is removed at the end.
   */
  readonly checkpoint?: string;
  /** Digest of the sources that the model came from, to tell its versions apart. Default: only the model itself counts. */
  readonly sources?: string;
  /** Aborting it ends the check with what was found so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: CheckProgress) => void;
}

/** How far a check is. */
export type CheckProgress =
  | { readonly phase: "remembered"; readonly report: RememberedReport }
  | ({ readonly phase: "explore"; readonly of: number | undefined } & Place & Progress)
  | ({ readonly phase: "shrink"; readonly way: string; readonly executions: number } & Place)
  | { readonly phase: "done"; readonly implementation: ImplementationVerdict };

/** What `check` came to. */
export interface CheckResult {
  readonly verdict: VerdictFile;
  /** One for each violation in the verdict; those that break without faults are not told again with them. */
  readonly counterexamples: readonly Counterexample[];
}

/** Which row is under way, and of how many. */
export interface Place extends Row {
  /** From 1. */
  readonly number: number;
  readonly rows: number;
}

/** @throws {UsageError} When there is no such strategy. */
export function strategyOf(name: string, seed: string): Strategy {
  const strategy = name === defaultStrategy ? portfolio(seed) : strategyNamed(name, seed);
  if (strategy === undefined) throw new UsageError(`there is no strategy "${name}"; there are: ${strategyNames}`);
  return strategy;
}

export const defaultStrategy = "portfolio";
export const defaultSeed = "raceproof";

/** @throws {UsageError} */
export function requireOptions({
  executions,
  lanes,
  seconds,
  shrinkSeconds,
  shard,
  shards,
  checkpoint,
}: CheckOptions): void {
  for (const [name, value] of Object.entries({ executions, lanes }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new UsageError(`\`${name}\` must be a whole number, at least 1, and is ${value}`);
  for (const [name, value] of Object.entries({ seconds, shrinkSeconds }))
    if (value !== undefined && !(value > 0)) throw new UsageError(`\`${name}\` must be above 0, and is ${value}`);
  if (shards !== undefined && (shard !== undefined || checkpoint !== undefined))
    throw new UsageError("`shards` is what all of a check explored; it goes with neither `shard` nor `checkpoint`");
  if (shard !== undefined && !(Number.isSafeInteger(shard.of) && shard.number >= 1 && shard.number <= shard.of))
    throw new UsageError(`\`shard\` must be one of 1 to ${shard.of}, and is ${shard.number}`);
}

/** Two for each processor: latency is the limit, not work. */
export function defaultLanes(): number {
  return Math.min(8, Math.max(2, availableParallelism() * 2));
}
