import type { OperationCall, Program } from "../execution/program.js";
import type { OperationRecord, Step, Trace } from "../execution/trace.js";
import type { Counterexample } from "../shrink/counterexample.js";
import type { Size } from "../shrink/size.js";
import { completionsOf } from "./completions.js";
import { foldsOf, type Fold } from "./fold.js";
import { outcomeLine, resultLine, stepText, waitLines } from "./lines.js";
import type { Line } from "./lines.js";
import { decisivePlace } from "./place.js";
import { remarksOf } from "./remarks.js";
import { switchesOf, type SwitchReason } from "./switches.js";
import { brief, briefArguments, count, oneLine, visible } from "./text.js";
import { whyOf, type Why } from "./why.js";

/** A cell of the state: what an outside reader sees in one column of the model's display. */
export interface StateCell {
  /** At least one; `-` stands for nothing at all. */
  readonly lines: readonly string[];
  /** Whether it differs from what was seen before. */
  readonly changed: boolean;
}

/** How a row lies in an actor's transaction. */
export type Bracket = "none" | "opens" | "inside" | "closes";

/** A row of the timeline. */
export interface Row {
  /** The state before the first step, a step, the end of a lock wait (`<... completed>`), or steps that were folded. */
  readonly kind: "before" | "step" | "completed" | "folded";
  /** Number of the step, from 1; 0 before the first one; of several the first. */
  readonly number: number;
  /** Which column of actors it belongs to; null for none. */
  readonly actor: number | null;
  /** Whether the step before was another actor's. */
  readonly switched: boolean;
  /** Why, where that is not the schedule's choice: `worker A waits`, `user is done`. */
  readonly because: string | null;
  readonly lines: readonly Line[];
  /** Every column of the state when something in it changed, or this is the last row; else null. */
  readonly state: readonly StateCell[] | null;
  /** Of each actor. */
  readonly brackets: readonly Bracket[];
}

/**
 * A counterexample laid out for reading: plain data with everything already in words, in the order it is read in, and
 * with no character in it that a terminal or a browser would act on. Renderers only choose widths, marks and colours.
 */
export interface Timeline {
  readonly model: string;
  readonly implementation: string;
  readonly signature: string;
  /** The initial state, in brief; null when the model has none to speak of. */
  readonly initial: string | null;
  /** Who runs which operations, in order. */
  readonly program: readonly { readonly actor: string; readonly operations: readonly string[] }[];
  /** A column each. */
  readonly actors: readonly string[];
  /** The columns of the state; none when no display was recorded. */
  readonly display: readonly string[];
  readonly rows: readonly Row[];
  /** Which of them may be folded. */
  readonly folds: readonly Fold[];
  readonly violations: readonly {
    readonly invariant: string;
    readonly way: string;
    /** With the step after which it could be seen, where it was broken for a moment only. */
    readonly message: string;
  }[];
  /** The rows of the model's state queries at the end; only when there is no display that shows the state. */
  readonly finalState: readonly string[];
  readonly why: Why;
  /** The line of code that matters most, as `src/transfer.ts:12, in transfer`; null where none is known. */
  readonly place: string | null;
  readonly size: string;
  /** How it was shrunk; null when it was found like this. */
  readonly shrunk: string | null;
  readonly confirmed: { readonly text: string; readonly always: boolean };
  readonly environment: string;
}

/** The part of a timeline that is a table: what a trace alone gives. */
export type Table = Pick<Timeline, "actors" | "display" | "rows" | "folds">;

/** Lays a trace out as a table. */
export function tableDataOf(
  { program, trace, explanation }: Pick<Counterexample, "program" | "trace" | "explanation">,
  remarks: ReadonlyMap<number, readonly Line[]> = new Map(),
): Table {
  const actors = actorsOf(program, trace);
  const display = displayOf(trace);
  const rows = rowsOf(trace, { actors, display, remarks });
  return {
    actors: actors.map((name) => visible(name)),
    display: display.map((name) => oneLine(name)),
    rows,
    folds: foldsOf(rows, trace.steps, explanation),
  };
}

/** Lays a counterexample out for reading. Pure: the same counterexample gives the same timeline. */
export function timelineOf(counterexample: Counterexample): Timeline {
  const { model, implementation, signature, program, trace, shrink, confirmed } = counterexample;
  const table = tableDataOf(counterexample, remarksOf(counterexample));
  return {
    ...table,
    model: visible(model.name),
    implementation: visible(implementation),
    signature: oneLine(signature),
    initial: program.initial === null ? null : brief(program.initial, 400),
    program: program.actors.map(({ name, operations }) => ({
      actor: visible(name),
      operations: operations.map((call, index) => callText(recordOf(trace, name, index) ?? call)),
    })),
    violations: counterexample.violations.map(({ invariant, way, message, after }) => ({
      invariant: oneLine(invariant),
      way: oneLine(way),
      message: oneLine(after === undefined ? message : `seen after step ${after + 1}: ${message}`),
    })),
    finalState: table.display.length === 0 ? finalStateOf(trace) : [],
    why: whyOf(counterexample),
    place: placeText(decisivePlace(counterexample)),
    size: sizeText(shrink.to),
    shrunk: shrunkText(shrink),
    confirmed: {
      text: `replayed ${confirmed.reproduced} of ${count(confirmed.times, "time")} with the same steps`,
      always: confirmed.reproduced === confirmed.times,
    },
    environment: environmentText(counterexample),
  };
}

function placeText(place: ReturnType<typeof decisivePlace>): string | null {
  if (place === undefined) return null;
  const where = `${visible(place.file)}:${place.line}`;
  return place.function === null ? where : `${where}, in ${visible(place.function)}`;
}

/** `breaks an invariant`, `breaks 2 invariants`. */
export function breaksText(violations: Timeline["violations"]): string {
  const broken = new Set(violations.map(({ invariant }) => invariant)).size;
  return `breaks ${broken === 1 ? "an invariant" : count(broken, "invariant")}`;
}

/** The names of the broken invariants, each once. */
export function brokenNames(violations: Timeline["violations"]): string {
  return [...new Set(violations.map(({ invariant }) => invariant))].join(", ");
}

/** `2 operations, 8 steps, 2 switches`; with faults, where there are some. */
export function sizeText({
  operations,
  faults,
  steps,
  switches,
}: Pick<Size, "operations" | "faults" | "steps" | "switches">): string {
  const parts = [count(operations, "operation"), count(steps, "step"), switchesText(switches)];
  return (faults === 0 ? parts : parts.toSpliced(1, 0, count(faults, "fault"))).join(", ");
}

/** `Postgres 18.0 (embedded), deadlock_timeout=10ms`. */
export function postgresText({ version, kind, settings }: Counterexample["environment"]["postgres"]): string {
  const name = /postgres/iu.test(version) ? version : `Postgres ${version}`;
  return oneLine(
    [`${name} (${kind})`, ...Object.entries(settings).map(([key, value]) => `${key}=${value}`)].join(", "),
  );
}

function switchesText(switches: number): string {
  return switches === 1 ? "1 switch" : count(switches, "switche");
}

function shrunkText({ from, to, executions, minimality }: Counterexample["shrink"]): string | null {
  const texts = [
    ...(from === undefined || executions === undefined || sizeText(from) === sizeText(to)
      ? []
      : [`shrunk from ${sizeText(from)} in ${count(executions, "execution")}`]),
    ...(minimality === undefined ? [] : [minimalityText(minimality)]),
  ];
  return texts.length === 0 ? null : texts.join("; ");
}

/** How sure it is that there is nothing smaller. */
export function minimalityText({ kind, runs }: NonNullable<Counterexample["shrink"]["minimality"]>): string {
  switch (kind) {
    case "proved":
      return `proved minimal: no part of it breaks so in any order, nor it with fewer switches, by ${count(runs, "run")}`;
    case "checked":
      return `minimal: without any one operation, fault or switch it does not break so, in ${count(runs, "run")}`;
    case "cut off":
      return "shrinking was cut off: there may be something smaller";
  }
}

function environmentText({ environment, condition, seed }: Counterexample): string {
  const by = `raceproof ${visible(environment.raceproof)}${seed === undefined ? "" : `, seed ${visible(seed)}`}`;
  return `${postgresText(environment.postgres)}; ${condition}; ${by}`;
}

/** The program's actors that have something to do, and whoever else appears in the trace. */
function actorsOf(program: Program, trace: Trace): string[] {
  const busy = program.actors.filter(({ operations }) => operations.length > 0).map(({ name }) => name);
  return [...new Set([...busy, ...trace.steps.map(({ actor }) => actor)])];
}

function recordOf({ operations }: Trace, actor: string, index: number): OperationRecord | undefined {
  return operations.find((record) => record.actor === actor && record.index === index);
}

function displayOf({ displayBefore, steps }: Trace): string[] {
  return [
    ...new Set(
      [displayBefore, ...steps.map(({ display }) => display)].flatMap((display) => Object.keys(display ?? {})),
    ),
  ];
}

function finalStateOf({ state }: Trace): string[] {
  return Object.entries(state).map(([name, rows]) => {
    const shown = rows.slice(0, 5).map((row) => brief(row));
    if (rows.length > shown.length) shown.push(`… ${count(rows.length, "row")} in all`);
    return `${oneLine(name)}: ${shown.length === 0 ? "no rows" : shown.join(", ")}`;
  });
}

function callText({ operation, parameters, label }: OperationCall & { readonly label?: string }): string {
  if (label !== undefined) return oneLine(label);
  return `${visible(operation)}(${briefArguments(parameters)})`;
}

/** What is put into rows one after the other: a step's beginning, or the end of its wait. */
interface Event {
  readonly kind: "step" | "completed";
  readonly step: Step;
  /** What is seen after it. */
  readonly display: Display | undefined;
}

type Display = Readonly<Record<string, string>>;

function eventsOf(steps: readonly Step[]): Event[] {
  const completions = completionsOf(steps);
  return steps.flatMap((step) => {
    const completed = completions.get(step.index) ?? [];
    const group = [{ kind: "step" as const, step }, ...completed.map((step) => ({ kind: "completed" as const, step }))];
    // A display is read once whoever the step let go is done too: it goes to the last of them that could show outside.
    const shown = Math.max(
      0,
      group.findLastIndex(({ kind, step }) => kind === "completed" && step.transaction === "none"),
    );
    return group.map((event, at) => ({ ...event, display: at === shown ? step.display : undefined }));
  });
}

interface Columns {
  readonly actors: readonly string[];
  readonly display: readonly string[];
  readonly remarks: ReadonlyMap<number, readonly Line[]>;
}

function rowsOf(trace: Trace, { actors, display, remarks }: Columns): Row[] {
  const events = eventsOf(trace.steps);
  const boundaries = boundariesOf(trace);
  const switches = switchesOf(trace.steps);
  const look = stateReader(trace, display, events.length);
  const bracket = bracketReader(actors);
  const rows: Row[] = [];
  if (trace.displayBefore !== undefined) {
    const state = look(trace.displayBefore);
    rows.push({
      kind: "before",
      number: 0,
      actor: null,
      switched: false,
      because: null,
      lines: [],
      state,
      brackets: actors.map(() => "none"),
    });
  }
  for (const { kind, step, display } of events) {
    const over = kind === "completed" || step.wait === null;
    rows.push({
      kind,
      number: step.index + 1,
      actor: actors.indexOf(step.actor),
      switched: kind === "step" && switches.has(step.index),
      because: kind === "step" ? becauseOf(switches.get(step.index), trace.steps[step.index - 1]) : null,
      lines: linesOf(kind, step, boundaries, remarks.get(step.index) ?? []),
      state: look(display),
      brackets: bracket(step, over),
    });
  }
  return rows;
}

/** What a row says in its actor's column. */
function linesOf(kind: Event["kind"], step: Step, boundaries: Boundaries, remarks: readonly Line[]): Line[] {
  const lines: Line[] = [];
  if (kind === "step") {
    lines.push(...(boundaries.before.get(step.index) ?? []), stepText(step));
    if (step.wait !== null) return [...lines, ...waitLines(step.wait)];
  } else {
    lines.push({ kind: "wait", chunks: [[{ text: "<... completed>", role: "wait" }]] });
  }
  const outcome = outcomeLine(step);
  if (outcome !== null) lines.push(outcome);
  return [...lines, ...remarks, ...(boundaries.after.get(step.index) ?? [])];
}

function becauseOf(reason: SwitchReason | undefined, before: Step | undefined): string | null {
  if (before === undefined || reason === undefined || reason === "scheduled") return null;
  return `${visible(before.actor)} ${reason}`;
}

function startLine(record: OperationRecord): Line {
  return { kind: "operation", chunks: [[{ text: `▸ ${callText(record)}`, role: "operation" }]] };
}

/** What is said of operations before a step and after one, by the step's index. */
interface Boundaries {
  readonly before: ReadonlyMap<number, readonly Line[]>;
  readonly after: ReadonlyMap<number, readonly Line[]>;
}

function boundariesOf({ operations, steps }: Trace): Boundaries {
  const before = new Map<number, Line[]>();
  const after = new Map<number, Line[]>();
  for (const record of operations) {
    if (record.steps === null) {
      // It has no place of its own: it is told of with the actor's next operation that has one, or else the previous one.
      const next = operations.find(
        ({ actor, index, steps }) => actor === record.actor && index > record.index && steps !== null,
      );
      const previous = operations.findLast(
        ({ actor, index, steps }) => actor === record.actor && index < record.index && steps !== null,
      );
      const lines = [startLine(record), resultLine(record, null) ?? doneLine];
      if (next?.steps) push(before, next.steps[0], lines);
      else if (previous?.steps) push(after, previous.steps[1], lines);
      continue;
    }
    const [first, last] = record.steps;
    const result = resultLine(record, steps[last] ?? null);
    push(before, first, [startLine(record)]);
    if (result !== null) push(after, last, [result]);
  }
  return { before, after };
}

const doneLine: Line = { kind: "result", chunks: [[{ text: "◂ without a step", role: "operation" }]] };

function push(map: Map<number, Line[]>, step: number, lines: readonly Line[]): void {
  map.set(step, [...(map.get(step) ?? []), ...lines]);
}

/** Tells, row by row, what to show of the state: everything when any of it changed, and at the end. */
function stateReader(trace: Trace, display: readonly string[], events: number) {
  let remaining = events + (trace.displayBefore === undefined ? 0 : 1);
  let seen: Display | undefined;
  return (now: Display | undefined): StateCell[] | null => {
    remaining -= 1;
    const before = seen;
    seen = now ?? seen;
    if (seen === undefined) return null;
    const after = seen;
    const cells = display.map((name) => ({
      lines: stateLines(after[name] ?? ""),
      changed: before !== undefined && after[name] !== before[name],
    }));
    return before === undefined || remaining === 0 || cells.some(({ changed }) => changed) ? cells : null;
  };
}

function stateLines(text: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => oneLine(line))
    .filter((line) => line !== "");
  return lines.length === 0 ? ["-"] : lines;
}

/** Tells, row by row, how it lies in each actor's transaction. */
function bracketReader(actors: readonly string[]) {
  const open = new Map(actors.map((actor) => [actor, new Set<string>()]));
  return (step: Step, over: boolean): Bracket[] => {
    const before = actors.map((actor) => (open.get(actor)?.size ?? 0) > 0);
    if (over && step.transaction === "none") open.get(step.actor)?.delete(step.session);
    if (over && step.transaction !== "none") open.get(step.actor)?.add(step.session);
    return actors.map((actor, index) => {
      const after = (open.get(actor)?.size ?? 0) > 0;
      if (before[index] === true) return after ? "inside" : "closes";
      return after ? "opens" : "none";
    });
  };
}
