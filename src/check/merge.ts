import type { CheckResult } from "./options.js";
import { coverageOfAll, foundByAll, shardsInOrder, sumOf, type ShardResult } from "./shards.js";
import { fileFor } from "./tell.js";
import { partsOf } from "../execution/model.js";
import { judgeClaim } from "../explore/matrix.js";
import { timesSeen, verdictOf, type ImplementationVerdict, type ViolationReport } from "../explore/verdict.js";
import type { Counterexample } from "../shrink/counterexample.js";
import { wayOf } from "../oracle/violation.js";
import { compareSizes } from "../shrink/size.js";
import { toStableJson } from "../report/stable-json.js";

/** A violation with the counterexample that shows it. */
interface Shown {
  readonly report: ViolationReport;
  readonly counterexample: Counterexample | undefined;
}

/**
 * Joins what all the shards of a check came to without running anything: the coverage is added up, of counterexamples that
 * show the same the smallest stays, and each implementation is held to what is expected of it. `check` with `shards` shrinks
 * what they found as one run does, which comes to the same verdict, and to just the counterexamples of one run.
 *
 * @param reports Where counterexamples will be written, as the verdict is to name it; default: it names none.
 * @throws {UsageError} When they do not belong together: another model or version of it, other options, another Postgres,
 *   a shard that is missing, there twice, or was interrupted.
 */
export function merge(results: readonly ShardResult[], reports?: string): CheckResult {
  const shards = shardsInOrder(results);
  const first = shards[0]!;
  const merged: { readonly verdict: ImplementationVerdict; readonly own: readonly Shown[] }[] = [];
  for (const index of first.verdict.implementations.keys()) {
    const { name, condition } = first.verdict.implementations[index]!;
    const { isolation, faults } = partsOf(condition);
    const without = merged.find(({ verdict }) => verdict.name === name && verdict.condition === isolation);
    merged.push(mergedRow(shards, index, faults ? (without?.verdict.violations ?? []) : [], reports));
  }
  const implementations = merged.map(({ verdict }) => verdict);
  const { shard: _, ...verdict } = first.verdict;
  return {
    verdict: {
      ...verdict,
      asExpected: implementations.every(({ asExpected }) => asExpected),
      implementations,
      claims: verdict.claims.flatMap((claim) => judgeClaim(claim, { implementations }) ?? []),
      seconds: sumOf(shards.map((each) => each.verdict.seconds)),
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
  const { seen } = foundByAll(results, index);
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
    coverage: coverageOfAll(results, index),
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
