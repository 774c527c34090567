import type { FaultKind } from "./fault.js";
import type { Leg } from "./pinned.js";

/** A step of a record, as far as a timeline names it. */
interface TimelineStep {
  readonly index: number;
  readonly actor: string;
  readonly session: string;
  readonly kind: "statement" | "yield" | "crash";
  readonly text: string;
  readonly fault?: FaultKind;
  readonly wait: { readonly until: number | null } | null;
}

/** Words of a statement that are enough to recognise it, if no other one in the leg begins with them. */
const fewWords = 2;

/**
 * An execution's order of steps as legs, which a person can read and edit: who runs, and before what it stops. They are
 * pinned by what actors are about to do, so they fit code that has changed a little.
 *
 * @returns Undefined where an actor has several connections at once, whose steps legs cannot tell apart.
 */
export function timelineOf(steps: readonly TimelineStep[]): readonly Leg[] | undefined {
  if (steps.some(({ actor, session }) => actor !== session)) return undefined;
  const legs: Leg[] = [];
  for (let from = 0, to = 0; from < steps.length; from = to) {
    const { actor } = steps[from]!;
    to = from + 1;
    // What goes wrong ends a leg.
    while (steps[to]?.actor === actor && steps[to - 1]!.fault === undefined) to++;
    const last = steps[to - 1]!;
    if (last.fault !== undefined) {
      legs.push({ actor, ...before(steps.slice(from, to)), fault: last.fault });
      continue;
    }
    const next = steps.find((step) => step.index >= to && step.actor === actor);
    const waits = last.wait !== null && last.wait.until !== null && last.wait.until >= to;
    legs.push(next === undefined || waits ? { actor } : { actor, ...before([...steps.slice(from, to), next]) });
  }
  return legs;
}

/** How to stop before the last of these steps of one actor. */
function before(steps: readonly TimelineStep[]): Pick<Leg, "until" | "nth"> {
  const last = steps.at(-1)!;
  const words = oneLine(last.text).split(" ");
  const lengths = last.kind === "yield" ? [words.length] : Array.from(words.keys(), (i) => i + 1).slice(fewWords - 1);
  const untils = (lengths.length === 0 ? [words.length] : lengths).map((length) => words.slice(0, length).join(" "));
  const times = (until: string) => steps.filter((step) => begins(step, until)).length;
  const until = untils.find((each) => times(each) === 1) ?? untils.at(-1)!;
  return { until, ...(times(until) === 1 ? {} : { nth: times(until) }) };
}

function begins({ kind, text }: TimelineStep, until: string): boolean {
  return kind === "yield" ? text === until : oneLine(text).startsWith(until);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
