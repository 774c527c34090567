import { UsageError } from "../errors.js";
import type { CheckResult } from "./options.js";
import { fileFor } from "./tell.js";
import { partsOf } from "../execution/model.js";
import { together, togetherOfSame } from "../explore/coverage.js";
import { judgeClaim } from "../explore/matrix.js";
import {
  timesSeen,
  verdictOf,
  type ImplementationVerdict,
  type ShardRecord,
  type VerdictFile,
  type ViolationReport,
} from "../explore/verdict.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { wayOf } from "../oracle/violation.js";
import { compareSizes } from "../shrink/size.js";
import { toStableJson } from "../report/stable-json.js";

/** What one shard of a check came to, and what to call it in messages. */
export interface ShardResult extends CheckResult {
  readonly name: string;
}

/** A violation with the counterexample that shows it. */
interface Shown {
  readonly report: ViolationReport;
  readonly counterexample: Counterexample | undefined;
}

/**
 * Joins what all the shards of a check came to into what one run would have: the coverage is added up, of counterexamples
 * that show the same the smallest stays, and each implementation is held to what is expected of it.
 *
 * @param reports Where counterexamples will be written, as the verdict is to name it; default: it names none.
 * @throws {UsageError} When they do not belong together: another model or version of it, other options, another Postgres,
 *   a shard that is missing, there twice, or was interrupted.
 */
export function merge(results: readonly ShardResult[], reports?: string): CheckResult {
  const shards = results.map(({ name, verdict }) => ({ name, verdict, shard: shardOf(name, verdict) }));
  const [first, ...others] = shards;
  if (first === undefined) throw new UsageError("there is nothing to merge");
  for (const other of others) requireSame(first, other);
  requireAll(shards);
  const inOrder = results.toSorted((a, b) => a.verdict.shard!.number - b.verdict.shard!.number);
  const merged: { readonly verdict: ImplementationVerdict; readonly own: readonly Shown[] }[] = [];
  for (const index of first.verdict.implementations.keys()) {
    const { name, condition } = first.verdict.implementations[index]!;
    const { isolation, faults } = partsOf(condition);
    const without = merged.find(({ verdict }) => verdict.name === name && verdict.condition === isolation);
    merged.push(mergedRow(inOrder, index, faults ? (without?.verdict.violations ?? []) : [], reports));
  }
  const implementations = merged.map(({ verdict }) => verdict);
  const { shard: _, ...verdict } = first.verdict;
  return {
    verdict: {
      ...verdict,
      asExpected: implementations.every(({ asExpected }) => asExpected),
      implementations,
      claims: verdict.claims.flatMap((claim) => judgeClaim(claim, { implementations }) ?? []),
      seconds: sumOf(inOrder.map((each) => each.verdict.seconds)),
    },
    counterexamples: merged.flatMap(({ own }) => own.flatMap(({ counterexample }) => counterexample ?? [])),
  };
}

/** @param known What breaks the implementation without faults, if this row is with them. */
function mergedRow(
  results: readonly ShardResult[],
  index: number,
  known: readonly ViolationReport[],
  reports: string | undefined,
) {
  const rows = results.map(({ verdict }) => verdict.implementations[index]!);
  const split = results[0]!.verdict.shard!.split[index] ?? null;
  const seen = results.flatMap(({ verdict }) => Object.entries(verdict.shard!.seen[index] ?? {}));
  const own = smallestOf(
    results.flatMap((result, at) => shownBy(result, rows[at]!)),
    known,
  );
  const problems = new Map<string, number>();
  for (const { message, times } of rows.flatMap((row) => row.problems))
    problems.set(message, (problems.get(message) ?? 0) + times);
  const { name, condition, expected, strategy, seed } = rows[0]!;
  const verdict = verdictOf({
    name,
    condition,
    expected,
    strategy,
    seed,
    coverage: split === null ? together(rows) : togetherOfSame(split, rows),
    violations: [
      ...known,
      ...own.map(({ report, counterexample }) => ({
        ...report,
        seen: timesSeen(seen, report.violations),
        ...(counterexample === undefined || report.remembered === true
          ? {}
          : { counterexample: fileFor(counterexample, reports) }),
      })),
    ],
    problems,
    interrupted: false,
    seconds: sumOf(rows.map(({ seconds }) => seconds)),
  });
  return { verdict, own };
}

/** The violations of a row, each with its counterexample; those that break it without faults have theirs there. */
function shownBy({ counterexamples }: ShardResult, { name, condition, violations }: ImplementationVerdict): Shown[] {
  return violations.map((report) => ({
    report,
    counterexample: counterexamples.find(
      (each) => each.implementation === name && each.condition === condition && each.signature === report.signature,
    ),
  }));
}

/** The smallest first, without those that show only what others show already: as one run tells of them. */
function smallestOf(all: readonly Shown[], known: readonly ViolationReport[]): Shown[] {
  const covered = new Set(known.flatMap(waysOf));
  return all.toSorted(compare).filter(({ report }) => {
    const ways = waysOf(report);
    const isNew = ways.some((way) => !covered.has(way));
    for (const way of ways) covered.add(way);
    return isNew;
  });
}

function waysOf({ violations }: ViolationReport): string[] {
  return violations.map(wayOf);
}

/** What is remembered first, as it is told of first; of the same size by what is in them, whoever found them. */
function compare(a: Shown, b: Shown): number {
  const sizes =
    a.counterexample === undefined || b.counterexample === undefined
      ? Number(a.counterexample === undefined) - Number(b.counterexample === undefined)
      : compareSizes(a.counterexample.shrink.to, b.counterexample.shrink.to);
  return (
    Number(b.report.remembered === true) - Number(a.report.remembered === true) ||
    sizes ||
    b.report.violations.length - a.report.violations.length ||
    compareTexts(a, b)
  );
}

function compareTexts(a: Shown, b: Shown): number {
  const text = ({ counterexample, report }: Shown) =>
    counterexample === undefined ? report.signature : toStableJson([counterexample.program, counterexample.schedule]);
  return text(a) < text(b) ? -1 : Number(text(a) > text(b));
}

interface Part {
  readonly name: string;
  readonly verdict: VerdictFile;
  readonly shard: ShardRecord;
}

function shardOf(name: string, { shard, interrupted }: VerdictFile): ShardRecord {
  if (shard === undefined)
    throw new UsageError(`${name} is the verdict of a whole check, not of one that ran with --shard`);
  if (interrupted)
    throw new UsageError(`${name} was interrupted; run that shard again (with --checkpoint it goes on where it was)`);
  return shard;
}

function requireSame(first: Part, other: Part): void {
  const aspects: [what: string, of: (part: Part) => unknown][] = [
    ["another model", ({ verdict }) => verdict.model],
    ["another version of the model or of the code under test", ({ shard }) => shard.definition],
    ["another version of raceproof", ({ verdict }) => verdict.raceproof],
    ["another number of shards", ({ shard }) => shard.of],
    ["another seed", ({ verdict }) => verdict.seed],
    ["another number of executions", ({ shard }) => shard.executions],
    ["another time", ({ shard }) => shard.seconds],
    ["another strategy", ({ verdict }) => verdict.implementations[0]?.strategy],
    [
      "other implementations or conditions",
      ({ verdict }) => verdict.implementations.map(({ name, condition }) => `${name} (${condition})`),
    ],
    [
      "another Postgres, or other settings of it",
      ({ verdict: { postgres } }) => [
        postgres.version,
        Object.entries(postgres.settings).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ],
    ],
    ["other remembered counterexamples", ({ verdict }) => verdict.remembered?.map(({ file }) => file)],
  ];
  for (const [what, of] of aspects) {
    const [one, two] = [of(first), of(other)].map((value) => JSON.stringify(value) ?? "none");
    if (one === two) continue;
    const both = one!.length + two!.length < 200 ? `: ${one}, and ${two}` : "";
    throw new UsageError(`${first.name} and ${other.name} do not belong together: ${what}${both}`);
  }
}

function requireAll(parts: readonly Part[]): void {
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

/** Seconds to the millisecond. */
function sumOf(seconds: readonly number[]): number {
  return Math.round(seconds.reduce((sum, each) => sum + each, 0) * 1000) / 1000;
}
