import type { Metrics } from "../strategy/metrics.js";
import { depthOf } from "../strategy/pct.js";
import type { Condition, Expectation } from "../execution/model.js";
import type { JudgedClaim } from "./matrix.js";
import { signatureOf, type Violation } from "../oracle/violation.js";
import type { Program } from "../execution/program.js";
import type { Schedule } from "../strategy/schedule.js";
import type { Shard } from "./strands.js";

/** What is said of an implementation under a condition; `inconclusive` where anything was cut off, differed from its replay or went wrong. */
export type Verdict = "holds" | "violates" | "inconclusive";

/** What the executions did, added up: what a verdict rests on. */
export interface Coverage extends Metrics {
  readonly programs: number;
  readonly executions: number;
  /** Different pairs of program and schedule among the executions. */
  readonly distinctSchedules: number;
  /** Executions by strategy. */
  readonly strategies: Readonly<Record<string, number>>;
  /** Of the programs whose orders were all run, but for those that differ by what commutes: how many orders these are, as if nothing ever had to wait. */
  readonly exhausted: { readonly programs: number; readonly executions: number; readonly orders: number };
  readonly deadlocks: number;
  /** What actors did in the outside world that cannot be scheduled, and in how many executions. */
  readonly uncontrolled?: Readonly<Record<string, number>>;
  /**
   * For each depth that PCT looked for, the least chance, of any program that it ran, that a bug of that depth had to be
   * met: at least 1/(n·k^(d−1)) in each execution, for the most actors n and steps k that were seen. Empty without PCT.
   */
  readonly pctBounds: Readonly<Record<string, number>>;
  /** In how many executions two operations overlapped, by `first × second` (names in alphabetical order). */
  readonly overlaps: Readonly<Record<string, number>>;
}

/** A violation that was found, shrunk and confirmed. */
export interface ViolationReport {
  readonly signature: string;
  /** Every invariant that the shrunk execution breaks; the signature is made of these. */
  readonly violations: readonly Violation[];
  /** Size of the shrunk counterexample. */
  readonly operations: number;
  readonly faults: number;
  readonly steps: number;
  readonly switches: number;
  /** How many of the executions broke in all of these ways, before shrinking. */
  readonly seen: number;
  /** The file that replays, relative to where the verdict is written; null when none was asked for. */
  readonly counterexample: string | null;
  /** Whether it was known before, and replayed first. */
  readonly remembered?: true;
}

/** A counterexample that was found before, and what has become of it. */
export interface RememberedReport {
  readonly file: string;
  readonly implementation: string;
  readonly condition: Condition;
  readonly signature: string;
  /** `diverged`: its steps are no longer those of the record, and whether it is fixed could not be told. */
  readonly state: "breaks" | "fixed" | "diverged";
  /** Whether it did just what the record says. */
  readonly asRecorded: boolean;
  /** How that is known. */
  readonly note: string;
}

/** Which part of a check a verdict is about, and what `merge` needs to know of it. */
export interface ShardRecord extends Shard {
  /** Digest of the model and its sources. */
  readonly definition: string;
  /** As they were asked for; null where they were not. */
  readonly executions: number | null;
  readonly seconds: number | null;
  /** The module of the model, relative to the working directory; null for a model that ships with raceproof. */
  readonly module: string | null;
  /** For each of `implementations`: what broke before it was shrunk, and what went wrong, as one run has to know it. */
  readonly found: readonly ShardFindings[];
  /** For each of them: how many programs, if each shard has a part of the orders of all of these; else null. */
  readonly split: readonly (number | null)[];
}

/** What broke and what went wrong in a shard's executions of one row. */
export interface ShardFindings {
  /** By signature: how many executions broke in just this way, the first of them, and the one that is kept. */
  readonly failures: readonly {
    readonly signature: string;
    readonly times: number;
    /** Number of the execution. */
    readonly first: number;
    readonly smallest: FailureRecord;
  }[];
  /** What kept executions from counting. */
  readonly problems: readonly { readonly message: string; readonly times: number; readonly first: number }[];
}

/** A failing execution by how it came about. */
export interface FailureRecord {
  /** Number of the execution among those of all shards. */
  readonly execution: number;
  /** How many it took. */
  readonly steps: number;
  readonly program: Program;
  readonly schedule: Schedule;
}

/** How many executions broke in all the ways of a violation. */
export function timesSeen(
  seen: Iterable<readonly [signature: string, count: { readonly times: number }]>,
  violations: readonly Violation[],
): number {
  const ways = signatureOf(violations).split("; ");
  let sum = 0;
  for (const [signature, { times }] of seen) {
    const others = signature.split("; ");
    if (ways.every((way) => others.includes(way))) sum += times;
  }
  return sum;
}

/** The verdict on one implementation; {@link verdictOf} is the one place that makes it. */
export interface ImplementationVerdict extends Coverage {
  readonly name: string;
  /** Under what it was checked. */
  readonly condition: Condition;
  /** Null where nothing is recorded for this condition. */
  readonly expected: Expectation | null;
  readonly verdict: Verdict;
  /** Whether verdict and expectation agree. */
  readonly asExpected: boolean;
  /** How far the verdict goes, in words. */
  readonly claim: string;
  readonly strategy: string;
  readonly seed: string;
  readonly violations: readonly ViolationReport[];
  /** What kept executions from counting, each once, with how often; empty when nothing did. */
  readonly problems: readonly { readonly message: string; readonly times: number }[];
  readonly seconds: number;
}

/** `raceproof/verdict@1`. */
export interface VerdictFile {
  readonly schema: "raceproof/verdict@1";
  readonly raceproof: string;
  readonly model: string;
  readonly seed: string;
  readonly postgres: {
    readonly version: string;
    readonly kind: string;
    readonly settings: Readonly<Record<string, string>>;
  };
  readonly asExpected: boolean;
  /** Whether it was cut short (Ctrl-C); what is here was found until then. */
  readonly interrupted: boolean;
  /** Every condition that was checked, in the model's order, and when. */
  readonly invariants: readonly { readonly name: string; readonly when: "quiescence" | "every commit" }[];
  /** One for each implementation and condition. */
  readonly implementations: readonly ImplementationVerdict[];
  /** The model's claims about what was checked. */
  readonly claims: readonly JudgedClaim[];
  /** What was found before and replayed first; left out where nothing was. */
  readonly remembered?: readonly RememberedReport[];
  /** Of a part of a check only. What a whole is expected to break need not break in each of its parts. */
  readonly shard?: ShardRecord;
  readonly seconds: number;
}

/** What a verdict is made of. */
export interface Evidence {
  readonly name: string;
  readonly condition: Condition;
  readonly expected: Expectation | null;
  readonly strategy: string;
  readonly seed: string;
  readonly coverage: Coverage;
  readonly violations: readonly ViolationReport[];
  readonly problems: ReadonlyMap<string, number>;
  readonly interrupted: boolean;
  readonly seconds: number;
  /** Whether it is about a part of a check: then it is as expected while nothing says otherwise. */
  readonly isPart?: boolean;
}

/**
 * The one place where a verdict is made. Where something uncontrolled decides, nothing is concluded from what was seen;
 * else a confirmed violation is one whatever else happened; without one, anything that was cut off or went wrong, or an
 * exploration that ran nothing, could not tell.
 */
export function verdictOf(evidence: Evidence): ImplementationVerdict {
  const { coverage, violations, problems, interrupted, expected, strategy, isPart = false } = evidence;
  const untold = interrupted || problems.size > 0 || (coverage.steps === 0 && !isPart);
  const isControlled = ![...problems.keys()].some((message) => message.startsWith("uncontrolled nondeterminism"));
  const verdict: Verdict = violations.length > 0 && isControlled ? "violates" : untold ? "inconclusive" : "holds";
  return {
    ...coverage,
    name: evidence.name,
    condition: evidence.condition,
    expected,
    verdict,
    asExpected: isPart ? mayBePartOf(expected, verdict, violations) : meets(expected, verdict, violations),
    claim: claimOf(coverage, strategy, interrupted),
    strategy,
    seed: evidence.seed,
    violations,
    problems: [...problems].map(([message, times]) => ({ message, times })),
    seconds: evidence.seconds,
  };
}

function meets(expected: Expectation | null, verdict: Verdict, violations: readonly ViolationReport[]): boolean {
  if (expected === null) return verdict !== "inconclusive";
  if (typeof expected === "string") return verdict === expected;
  if (verdict !== "violates") return false;
  const broken = new Set(violations.flatMap((each) => each.violations.map(({ invariant }) => invariant)));
  return (
    broken.size === new Set(expected.violates).size && expected.violates.every((invariant) => broken.has(invariant))
  );
}

/** Whether the verdict on a part leaves it open that the whole meets what is expected of it. */
function mayBePartOf(expected: Expectation | null, verdict: Verdict, violations: readonly ViolationReport[]): boolean {
  if (verdict === "inconclusive") return false;
  if (expected === null || expected === "violates") return true;
  if (expected === "holds") return verdict === "holds";
  const broken = violations.flatMap((each) => each.violations.map(({ invariant }) => invariant));
  return broken.every((invariant) => expected.violates.includes(invariant));
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function claimOf(coverage: Coverage, strategy: string, interrupted: boolean): string {
  const { executions, programs, distinctSchedules, exhausted, strategies, pctBounds } = coverage;
  const all =
    `all orders (about ${number(exhausted.orders)}) of ${plural(exhausted.programs, "program")}, ` +
    `in ${plural(exhausted.executions, "execution")}`;
  const first = Math.max(0, (strategies["exhaustive"] ?? 0) - exhausted.executions);
  const sampled = executions - exhausted.executions - first;
  const others = [
    ...(first === 0 ? [] : [`${number(first)} orders with few switches`]),
    ...(sampled === 0 && (executions > 0 || exhausted.programs > 0)
      ? []
      : [`${number(sampled)} ${namesOf(coverage, strategy)} schedules`]),
  ].join(" and ");
  const parts = [
    ...(exhausted.programs === 0 ? [] : [all]),
    ...(others === "" ? [] : [`${others} of ${plural(programs - exhausted.programs, "program")}`]),
    ...(exhausted.programs === 0 ? [`${number(distinctSchedules)} distinct`] : []),
    // Of a strategy among others the bound says next to nothing: each program gets only a few of its executions.
    ...(depthOf(strategy) === undefined
      ? []
      : Object.entries(pctBounds).map(([depth, bound]) => chanceOf(depth, bound))),
  ];
  const outside = Object.entries(coverage.uncontrolled ?? {}).map(
    ([what, times]) => `${what} (${number(times)} times)`,
  );
  if (outside.length > 0) parts.push(`not under control: ${outside.join(", ")}`);
  return `${interrupted ? "interrupted after " : ""}${parts.join(exhausted.programs === 0 ? ", " : "; ")}`;
}

function chanceOf(depth: string, bound: number): string {
  return `a bug of depth ${depth} had a chance of at least ${Number((100 * bound).toPrecision(2))} % to be met in each program`;
}

/** `urw, pos and pct:3`, for a strategy that is made of others. */
function namesOf({ strategies }: Coverage, strategy: string): string {
  const names = Object.keys(strategies).filter((name) => name !== "exhaustive");
  const [last = strategy] = names.slice(-1);
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

function plural(count: number, one: string): string {
  return `${number(count)} ${one}${count === 1 ? "" : "s"}`;
}
