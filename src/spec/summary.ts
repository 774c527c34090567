import type { Json } from "../execution/program.js";
import type { StepRun } from "./observer.js";
import type { RawResult } from "./raw-query.js";
import type { PermutationRun } from "./run-permutation.js";
import type { SpecFile } from "./spec-file.js";

/** What the permutations of one spec came to. */
export interface SpecSummary {
  readonly sessions: number;
  readonly permutations: number;
  /** Permutations in which a session was to go on while it waited for what only a later step could bring. */
  readonly impossible: number;
  /** Of the possible ones, in the order in which they were first seen. */
  readonly outcomes: readonly Outcome[];
  /** In how many permutations a step waited, by its name. */
  readonly waited: Readonly<Record<string, number>>;
  /** In how many permutations a step ended in an error, by its name and the error. */
  readonly errors: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** What all steps answered, whichever order that took. */
export interface Outcome {
  /** How many permutations came to it. */
  readonly permutations: number;
  /** The first of them. */
  readonly first: readonly string[];
  /** By step: what each of its runs answered. */
  readonly answers: Readonly<Record<string, readonly string[]>>;
}

/** Adds up the permutations of a spec, one after the other. */
export class Summing {
  readonly #sessions: number;
  readonly #outcomes = new Map<string, { permutations: number; first: string[]; answers: Record<string, string[]> }>();
  readonly #waited = new Map<string, number>();
  readonly #errors = new Map<string, Map<string, number>>();
  #permutations = 0;
  #impossible = 0;

  constructor({ sessions }: SpecFile) {
    this.#sessions = sessions.length;
  }

  add({ permutation, steps, cancelled }: PermutationRun): void {
    this.#permutations++;
    if (cancelled.length > 0) {
      this.#impossible++;
      return;
    }
    const answers = answersOf(steps);
    const key = JSON.stringify(answers);
    const outcome = this.#outcomes.get(key) ?? {
      permutations: 0,
      first: permutation.map(({ step }) => step.name),
      answers,
    };
    outcome.permutations++;
    this.#outcomes.set(key, outcome);
    const waited = new Set(steps.filter((run) => run.waited).map(nameOf));
    for (const name of waited) this.#waited.set(name, (this.#waited.get(name) ?? 0) + 1);
    for (const run of steps) this.#addErrors(run);
  }

  #addErrors(run: StepRun): void {
    const errors = this.#errors.get(nameOf(run)) ?? new Map<string, number>();
    for (const result of run.results ?? []) {
      if (result.kind !== "error") continue;
      const text = answerOf(result);
      errors.set(text, (errors.get(text) ?? 0) + 1);
      this.#errors.set(nameOf(run), errors);
    }
  }

  get summary(): SpecSummary {
    return {
      sessions: this.#sessions,
      permutations: this.#permutations,
      impossible: this.#impossible,
      outcomes: [...this.#outcomes.values()],
      waited: Object.fromEntries(this.#waited),
      errors: Object.fromEntries([...this.#errors].map(([step, errors]) => [step, Object.fromEntries(errors)])),
    };
  }
}

function nameOf({ step }: StepRun): string {
  return step.step.name;
}

/** Steps in the order of their names, as their answers do not say when they came. */
function answersOf(steps: readonly StepRun[]): Record<string, string[]> {
  const answers: Record<string, string[]> = {};
  for (const run of steps.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)))
    (answers[nameOf(run)] ??= []).push((run.results ?? []).map(answerOf).join("; "));
  return answers;
}

/** A result on one line, e.g. `id=1 v=0, id=2 v=5`, `no rows`, `ok`, or the error. */
export function answerOf(result: RawResult): string {
  if (result.kind === "command") return "ok";
  if (result.kind === "error") return `${result.severity ?? "ERROR"}: ${result.message}`;
  if (result.rows.length === 0) return "no rows";
  return result.rows
    .map((row) => result.columns.map((column, i) => `${column}=${row[i] ?? "null"}`).join(" "))
    .join(", ");
}

/** A permutation as plain data. */
export function permutationData({ permutation, steps, cancelled, complaints, failure }: PermutationRun): Json {
  return {
    permutation: permutation.map(({ step }) => step.name),
    steps: steps.map((run) => ({
      step: nameOf(run),
      session: run.step.step.session,
      waited: run.waited,
      answers: (run.results ?? []).map(answerOf),
    })),
    cancelled: [...cancelled],
    complaints: [...complaints],
    failure: failure ?? null,
  };
}

/** The summary for people: how many ran, what they came to and where that differs, which steps waited. */
export function summaryText(
  file: string,
  { sessions, permutations, impossible, outcomes, waited, errors }: SpecSummary,
): string {
  const lines = [
    `${file}: ${count(sessions, "session")}, ${count(permutations, "permutation")}, ${count(outcomes.length, "distinct outcome")}`,
  ];
  if (impossible > 0)
    lines.push(
      `  impossible  ${count(impossible, "permutation")}, in which a session was to go on while it waited for a later step`,
    );
  const waits = Object.entries(waited).map(([step, number]) => `${step} in ${number}`);
  lines.push(`  waited      ${waits.join(", ") || "nobody"}`);
  for (const [step, messages] of Object.entries(errors))
    for (const [message, number] of Object.entries(messages))
      lines.push(`  failed      ${step} in ${number}: ${message}`);
  const differing = differingSteps(outcomes);
  for (const [index, { permutations: number, first, answers }] of outcomes.slice(0, shown).entries()) {
    lines.push(`  outcome ${String(index + 1).padEnd(2)}  ${count(number, "permutation")}, first: ${first.join(" ")}`);
    for (const step of differing) lines.push(`              ${step} → ${(answers[step] ?? ["not run"]).join(" | ")}`);
  }
  if (outcomes.length > shown) lines.push(`  … and ${outcomes.length - shown} more, which --format json has`);
  return `${lines.join("\n")}\n`;
}

/** How many outcomes people are shown. */
const shown = 12;

/** The steps that did not answer the same in all outcomes. */
function differingSteps(outcomes: readonly Outcome[]): string[] {
  const steps = new Set(outcomes.flatMap(({ answers }) => Object.keys(answers)));
  return [...steps].filter((step) => new Set(outcomes.map(({ answers }) => JSON.stringify(answers[step]))).size > 1);
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
