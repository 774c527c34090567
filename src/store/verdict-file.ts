import type { CheckResult } from "../check/options.js";
import { UsageError } from "../errors.js";
import type { VerdictFile } from "../explore/verdict.js";
import type { ShardResult } from "../check/shards.js";
import { checkFindings } from "../report/counterexample-check.js";
import { readCounterexample } from "../report/counterexample-file.js";

/**
 * A verdict as the text of a file. That of a shard holds the counterexamples, too, so that it is all that has to be
 * brought to where shards are merged.
 */
export function writeVerdict({ verdict, counterexamples }: CheckResult): string {
  const whole = verdict.shard === undefined ? verdict : { ...verdict, counterexamples };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

/**
 * Reads the verdict of a shard.
 *
 * @param name What to call it in messages.
 * @throws {UsageError} When it is none, or damaged.
 */
export function readShard(text: string, name: string): ShardResult {
  const { counterexamples, ...verdict } = parsed(text, name);
  if (!isVerdict(verdict)) throw new UsageError(`${name} is no verdict, as \`raceproof check --json\` writes it`);
  if (verdict.shard === undefined)
    throw new UsageError(`${name} is the verdict of a whole check, not of one that ran with --shard`);
  const { number, of, found, split, definition, module } = verdict.shard;
  const isWhole =
    isList(counterexamples) &&
    Number.isInteger(number) &&
    Number.isInteger(of) &&
    typeof definition === "string" &&
    (module === null || typeof module === "string") &&
    isList(split) &&
    isList(found) &&
    found.length === verdict.implementations.length;
  if (!isWhole) throw new UsageError(`${name} is damaged: it does not say what its shard came to`);
  checkFindings(found, "shard.found", name);
  return {
    name,
    verdict,
    counterexamples: counterexamples.map((each) =>
      readCounterexample(JSON.stringify(each), `a counterexample in ${name}`),
    ),
  };
}

function parsed(text: string, name: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is cut off or not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null) throw new UsageError(`${name} is no verdict`);
  return value as Record<string, unknown>;
}

const numbers = [
  "executions",
  "programs",
  "distinctSchedules",
  "steps",
  "decisions",
  "contextSwitches",
  "preemptions",
  "lockWaits",
  "deadlocks",
] as const;

function isVerdict(value: unknown): value is VerdictFile {
  const { schema, model, seed, raceproof, postgres, implementations, claims } = value as VerdictFile;
  return (
    schema === "raceproof/verdict@1" &&
    [model, seed, raceproof, postgres?.version].every((each) => typeof each === "string") &&
    isList(claims) &&
    isList(implementations) &&
    implementations.every(
      (row) =>
        [row.name, row.condition, row.strategy].every((each) => typeof each === "string") &&
        numbers.every((name) => Number.isInteger(row[name])) &&
        isList(row.violations) &&
        row.violations.every(({ violations }) => isList(violations)) &&
        isList(row.problems) &&
        [row.overlaps, row.strategies, row.exhausted, row.pctBounds].every((each) => typeof each === "object"),
    )
  );
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
