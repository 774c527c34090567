import type { Expectation } from "../execution/model.js";
import type {
  ImplementationVerdict,
  RememberedReport,
  Verdict,
  VerdictFile,
  ViolationReport,
} from "../explore/verdict.js";
import { claimSummariesOf, matrixSummaryOf, type ClaimSummary, type MatrixSummary } from "./matrix-summary.js";
import { count, enumerate, oneLine, visible } from "./text.js";
import { postgresText, sizeText } from "./timeline.js";

/** What a verdict says about one implementation, in words. */
export interface ImplementationSummary {
  readonly name: string;
  /** Under what it was checked; empty where that is the same for all, as usual. */
  readonly condition: string;
  readonly expected: string;
  /** How many invariants it is recorded to break. */
  readonly expectedToBreak: number;
  readonly verdict: Verdict;
  readonly asExpected: boolean;
  readonly claim: string;
  readonly violations: readonly ViolationSummary[];
  /** What the executions did. */
  readonly coverage: readonly string[];
  /** Interesting things that never happened: what the verdict cannot speak of. */
  readonly never: readonly string[];
  readonly problems: readonly string[];
}

/** A violation in words. */
export interface ViolationSummary {
  readonly signature: string;
  readonly messages: readonly string[];
  readonly size: string;
  readonly seen: string;
  readonly file: string | null;
}

/** A counterexample that was found before, in words. */
export interface RememberedSummary {
  readonly state: RememberedReport["state"];
  readonly text: string;
  readonly file: string;
}

/** A verdict in words: plain data, with no character in it that a terminal or a browser would act on. */
export interface VerdictSummary {
  readonly model: string;
  readonly asExpected: boolean;
  /** Whether all is as expected, and if not, what is not. */
  readonly conclusion: string;
  readonly interrupted: string | null;
  /** Which part of a check it is about, and what that means; null where it is about all of it. */
  readonly shard: string | null;
  /** What has become of what was found before. */
  readonly remembered: readonly RememberedSummary[];
  /** Server, version and seed, time taken. */
  readonly environment: readonly string[];
  readonly implementations: readonly ImplementationSummary[];
  readonly matrix: MatrixSummary | null;
  readonly claims: readonly ClaimSummary[];
}

/** Puts a verdict into words. Pure. */
export function summaryOf(verdict: VerdictFile): VerdictSummary {
  return {
    model: visible(verdict.model),
    asExpected: verdict.asExpected,
    conclusion: conclusionOf(verdict),
    interrupted: verdict.interrupted ? "Interrupted: what is here was found until then." : null,
    shard: shardText(verdict),
    remembered: (verdict.remembered ?? []).map(rememberedSummary),
    environment: [
      postgresText(verdict.postgres),
      `raceproof ${visible(verdict.raceproof)}, seed ${visible(verdict.seed)}`,
      secondsText(verdict.seconds),
    ],
    implementations: verdict.implementations.map((each) => implementationSummary(each, conditionsDiffer(verdict))),
    matrix: matrixSummaryOf(verdict),
    claims: claimSummariesOf(verdict),
  };
}

function shardText({ shard }: VerdictFile): string | null {
  if (shard === undefined) return null;
  return `Shard ${shard.number} of ${shard.of}: what is expected to break need not break in each of them; \`raceproof merge\` says what all of them come to.`;
}

const stateWords = { breaks: "still breaks", fixed: "is fixed", diverged: "diverged" } as const;

function rememberedSummary({ state, note, file, signature, implementation, condition }: RememberedReport) {
  const who = condition === "read committed" ? visible(implementation) : `${visible(implementation)} (${condition})`;
  return {
    state,
    text: `found before, ${stateWords[state]}: ${oneLine(signature)} of ${who} (${oneLine(note)})`,
    file: visible(file),
  };
}

function namedAs(what: string, implementations: readonly ImplementationVerdict[]): string[] {
  const names = implementations.map(({ name, condition }) =>
    condition === "read committed" ? visible(name) : `${visible(name)} (${condition})`,
  );
  return names.length === 0 ? [] : [`${what}: ${enumerate(names)}.`];
}

function conclusionOf({ implementations, asExpected }: VerdictFile): string {
  const others = implementations.filter(({ asExpected }) => !asExpected);
  const untold = others.filter(({ verdict }) => verdict === "inconclusive");
  const unexpected = others.filter(({ verdict }) => verdict !== "inconclusive");
  const sentences = [...namedAs("Not as expected", unexpected), ...namedAs("Could not be told", untold)];
  if (sentences.length > 0) return sentences.join(" ");
  if (!asExpected) return "Not as expected.";
  return implementations.length === 1 ? "As expected." : `All ${implementations.length} are as expected.`;
}

function secondsText(seconds: number): string {
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function conditionsDiffer({ implementations }: VerdictFile): boolean {
  return implementations.some(({ condition }) => condition !== "read committed");
}

function implementationSummary(verdict: ImplementationVerdict, conditions: boolean): ImplementationSummary {
  return {
    name: visible(verdict.name),
    condition: conditions ? verdict.condition : "",
    expected: expectedText(verdict.expected),
    expectedToBreak:
      verdict.expected === null || typeof verdict.expected === "string" ? 0 : verdict.expected.violates.length,
    verdict: verdict.verdict,
    asExpected: verdict.asExpected,
    claim: oneLine(verdict.claim),
    violations: verdict.violations.map(violationSummary),
    coverage: coverageOf(verdict),
    never: neverOf(verdict),
    problems: [
      ...differencesOf(verdict),
      ...verdict.problems.map(
        ({ message, times }) => `${oneLine(message)}${times === 1 ? "" : ` (${count(times, "time")})`}`,
      ),
    ],
  };
}

/** Where it is not as expected: what should have broken and did not, and the reverse. */
function differencesOf({ expected, asExpected, violations }: ImplementationVerdict): string[] {
  if (asExpected || expected === null || typeof expected === "string") return [];
  const broken = new Set(violations.flatMap((each) => each.violations.map(({ invariant }) => invariant)));
  const spared = expected.violates.filter((invariant) => !broken.has(invariant));
  const unexpected = [...broken].filter((invariant) => !expected.violates.includes(invariant));
  return [
    ...listed("recorded to break, and not broken", spared),
    ...listed("broken, and not recorded to break", unexpected),
  ];
}

function listed(what: string, invariants: readonly string[]): string[] {
  return invariants.length === 0 ? [] : [`${what}: ${enumerate(invariants.map((name) => oneLine(name)))}`];
}

function expectedText(expected: Expectation | null): string {
  if (expected === null) return "nothing recorded";
  return typeof expected === "string"
    ? expected
    : `violates ${enumerate(expected.violates.map((name) => oneLine(name)))}`;
}

function violationSummary(report: ViolationReport): ViolationSummary {
  return {
    signature: oneLine(report.signature),
    messages: report.violations.map(({ message }) => oneLine(message)),
    size: sizeText(report),
    seen: `${report.remembered === true ? "found before, " : ""}seen in ${count(report.seen, "execution")}`,
    file: report.counterexample === null ? null : visible(report.counterexample),
  };
}

/** `deliver × retry`, the most frequent first. */
function overlapsOf({ overlaps }: ImplementationVerdict): (readonly [pair: string, executions: number])[] {
  return Object.entries(overlaps)
    .map(([pair, executions]) => [oneLine(pair), executions] as const)
    .toSorted(([, a], [, b]) => b - a);
}

function coverageOf(verdict: ImplementationVerdict): string[] {
  const { executions, programs, distinctSchedules, steps, lockWaits, deadlocks } = verdict;
  const [first, ...others] = overlapsOf(verdict).filter(([, times]) => times > 0);
  const overlaps = others.map(([pair, times]) => `, ${pair} in ${count(times, "execution").split(" ")[0]}`).join("");
  return [
    `${count(executions, "execution")} of ${count(programs, "program")}, ${count(distinctSchedules, "different schedule")}, ${count(steps, "step")}`,
    `${count(lockWaits, "lock wait")}, ${count(deadlocks, "deadlock")}`,
    ...(first === undefined ? [] : [`${first[0]} overlapped in ${count(first[1], "execution")}${overlaps}`]),
  ];
}

function neverOf(verdict: ImplementationVerdict): string[] {
  if (verdict.executions === 0) return ["nothing was executed: this says nothing at all"];
  const overlaps = overlapsOf(verdict);
  const met = overlaps.some(([, times]) => times > 0);
  const apart = overlaps.filter(([, times]) => times === 0).map(([pair]) => `${pair} never overlapped`);
  return [
    ...(met ? apart : ["no two operations ever overlapped: this says nothing about races"]),
    ...(verdict.lockWaits === 0 ? ["no statement ever waited for a lock"] : []),
    ...(met && verdict.preemptions === 0 ? ["nobody was ever interrupted who could have gone on"] : []),
  ];
}
