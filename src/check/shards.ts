import { UsageError } from "../errors.js";
import { execute } from "../execution/execution.js";
import type { Lanes } from "../execution/lanes.js";
import type { AnyModel } from "../execution/model.js";
import { assignedPool } from "../execution/pool.js";
import type { Exploration, Failure } from "../explore/explore.js";
import { together, togetherOfSame } from "../explore/coverage.js";
import { joined, type Part, type Whole } from "../explore/findings.js";
import type { Coverage, FailureRecord, ShardFindings, ShardRecord, VerdictFile } from "../explore/verdict.js";
import { judge } from "../oracle/judge.js";
import { signatureOf } from "../oracle/violation.js";
import { Divergence, follow } from "../strategy/follow.js";
import type { CheckOptions, CheckResult } from "./options.js";
import { missingIn } from "./remembered.js";
import type { ExpectedRow } from "./rows.js";

/** What one shard of a check came to, and what to call it in messages. */
export interface ShardResult extends CheckResult {
  readonly name: string;
}

/** What a shard found in a row, as its file says it. */
export function findingsOf({ failures, seen, problems }: Whole<Failure>): ShardFindings {
  return {
    failures: failures.map(({ execution, program, trace: { steps, schedule }, violations }) => {
      const signature = signatureOf(violations);
      return { signature, ...seen.get(signature)!, smallest: { execution, steps: steps.length, program, schedule } };
    }),
    problems: [...problems].map(([message, times]) => ({ message, ...times })),
  };
}

/** What all shards found in a row, as one run would have. */
export function foundByAll(shards: readonly ShardResult[], row: number): Whole<FailureRecord> {
  const parts = shards.map(({ verdict }): Part<FailureRecord> => {
    const { failures, problems } = verdict.shard!.found[row]!;
    return {
      failures: new Map(failures.map(({ signature, smallest }) => [signature, smallest])),
      seen: new Map(failures.map(({ signature, times, first }) => [signature, { times, first }])),
      problems: new Map(problems.map(({ message, times, first }) => [message, { times, first }])),
    };
  });
  return joined(parts, ({ steps }) => steps);
}

/** What the executions of all shards did in a row. */
export function coverageOfAll(shards: readonly ShardResult[], row: number): Coverage {
  const rows = shards.map(({ verdict }) => verdict.implementations[row]!);
  const split = splitOf(shards, row);
  return split === undefined ? together(rows) : togetherOfSame(split, rows);
}

function splitOf(shards: readonly ShardResult[], row: number): number | undefined {
  return shards[0]!.verdict.shard!.split[row] ?? undefined;
}

/**
 * What one run would have come to that explores a row which shards have explored. What broke is run again, each the way in
 * which it was found.
 */
export async function explorationOfAll(
  shards: readonly ShardResult[],
  row: number,
  lanes: Lanes,
  model: AnyModel,
  implementation: string,
): Promise<Exploration> {
  const { failures: records, seen, problems: before } = foundByAll(shards, row);
  const problems = new Map(before);
  const signatures = [...seen.keys()];
  for (const { program } of records) {
    const missing = missingIn(model, program);
    if (missing !== undefined)
      throw new UsageError(`a shard is damaged: what broke in it runs ${missing}, which the model does not have`);
  }
  const again = await Promise.all(
    records.map(async (record, at) => {
      const failure = await repeat(record, lanes, model, implementation);
      if (failure !== undefined && signatureOf(failure.violations) === signatures[at]) return failure;
      const { execution } = record;
      problems.set(`uncontrolled nondeterminism: what broke in a shard did not break so here (${signatures[at]})`, {
        times: 1,
        first: execution,
      });
      return undefined;
    }),
  );
  return {
    coverage: coverageOfAll(shards, row),
    failures: again.filter((failure) => failure !== undefined),
    seen,
    problems,
    interrupted: false,
    timedOut: false,
    split: splitOf(shards, row),
  };
}

async function repeat(
  { execution, program, schedule }: FailureRecord,
  lanes: Lanes,
  model: AnyModel,
  implementation: string,
): Promise<Failure | undefined> {
  const assignment = { model, implementation, program, pool: assignedPool, record: false };
  try {
    const executed = await lanes.run((lane) => execute(lane, assignment, follow(schedule)));
    return { execution, program, trace: executed.trace, violations: judge(model, program, executed) };
  } catch (error) {
    if (error instanceof Divergence) return undefined;
    throw error;
  }
}

/**
 * The shards in the order of their numbers.
 *
 * @throws {UsageError} When they do not belong together: another model or version of it, other options, another Postgres,
 *   a shard that is missing, there twice, or was interrupted.
 */
export function shardsInOrder(results: readonly ShardResult[]): readonly ShardResult[] {
  const [first, ...others] = results.map(({ name, verdict }) => ({ name, verdict, shard: shardOf(name, verdict) }));
  if (first === undefined) throw new UsageError("there is nothing to merge");
  for (const other of others) requireSame(first.name, identityOf(first), other.name, identityOf(other));
  requireAll([first, ...others]);
  return results.toSorted((a, b) => a.verdict.shard!.number - b.verdict.shard!.number);
}

/** With what they were run. */
export function optionsOf([first]: readonly ShardResult[]): CheckOptions {
  const { seed, implementations, shard } = first!.verdict;
  const { executions, seconds } = shard!;
  const [row] = implementations;
  return {
    seed,
    ...(row === undefined ? {} : { strategy: row.strategy }),
    ...(executions === null ? {} : { executions }),
    ...(seconds === null ? {} : { seconds }),
  };
}

/** What they checked. */
export function rowsOfShards([first]: readonly ShardResult[]): ExpectedRow[] {
  return first!.verdict.implementations.map(({ name: implementation, condition, expected }) => ({
    implementation,
    condition,
    expected,
  }));
}

/** Seconds to the millisecond. */
export function sumOf(seconds: readonly number[]): number {
  return Math.round(seconds.reduce((sum, each) => sum + each, 0) * 1000) / 1000;
}

/** What there is where shards are merged, as far as it has to be what they had. */
export interface Here {
  readonly model: string;
  readonly definition: string;
  readonly raceproof: string;
  readonly postgres: Pick<VerdictFile["postgres"], "version" | "settings">;
  /** Files of counterexamples that were found before. */
  readonly remembered: readonly string[];
}

/** @throws {UsageError} When shards were run with something else than what is here. */
export function requireHere({ name, verdict }: ShardResult, here: Here): void {
  requireSame(name, identityOf({ verdict, shard: shardOf(name, verdict) }), "what is here", identityOfHere(here));
}

function shardOf(name: string, { shard, interrupted }: VerdictFile): ShardRecord {
  if (shard === undefined)
    throw new UsageError(`${name} is the verdict of a whole check, not of one that ran with --shard`);
  if (interrupted)
    throw new UsageError(`${name} was interrupted; run that shard again (with --checkpoint it goes on where it was)`);
  return shard;
}

/** What has to be the same, by what to call it where it is not. */
type Identity = Readonly<Record<string, unknown>>;

function identityOfHere({ model, definition, raceproof, postgres, remembered }: Here): Identity {
  const { version, settings } = postgres;
  return {
    "another model": model,
    "another version of the model or of the code under test": definition,
    "another version of raceproof": raceproof,
    "another Postgres, or other settings of it": [
      version,
      Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ],
    "other remembered counterexamples": remembered,
  };
}

function identityOf({ verdict, shard }: { readonly verdict: VerdictFile; readonly shard: ShardRecord }): Identity {
  const remembered = (verdict.remembered ?? []).map(({ file }) => file);
  return {
    ...identityOfHere({ ...verdict, ...shard, remembered }),
    "another number of shards": shard.of,
    "another seed": verdict.seed,
    "another number of executions": shard.executions,
    "another time": shard.seconds,
    "another strategy": verdict.implementations[0]?.strategy,
    "other implementations or conditions": verdict.implementations.map(
      ({ name, condition }) => `${name} (${condition})`,
    ),
  };
}

/** Whether all that is said of the second is said of the first, too. */
function requireSame(first: string, one: Identity, second: string, other: Identity): void {
  for (const what of Object.keys(other)) {
    const [a, b] = [one, other].map((identity) => JSON.stringify(identity[what]) ?? "none") as [string, string];
    if (a === b) continue;
    const both = a.length + b.length < 200 ? `: ${a}, and ${b}` : "";
    throw new UsageError(`${first} and ${second} do not belong together: ${what}${both}`);
  }
}

function requireAll(parts: readonly { readonly name: string; readonly shard: ShardRecord }[]): void {
  const byNumber = new Map<number, string>();
  for (const { name, shard } of parts) {
    const before = byNumber.get(shard.number);
    if (before !== undefined) throw new UsageError(`${before} and ${name} are both shard ${shard.number}`);
    byNumber.set(shard.number, name);
  }
  const { of } = parts[0]!.shard;
  const missing = Array.from({ length: of }, (_, at) => at + 1).filter((number) => !byNumber.has(number));
  if (missing.length > 0)
    throw new UsageError(
      `of ${of} shards ${missing.length === 1 ? "one is" : `${missing.length} are`} missing: ${missing.join(", ")}`,
    );
}
