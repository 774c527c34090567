import type { Counterexample } from "../shrink/counterexample.js";
import type { Leg } from "../strategy/pinned.js";
import { timelineOf } from "../strategy/timeline.js";

/**
 * The order of steps as a literal to read, to edit, and to paste into a test or a scenario: legs where these can say it,
 * and else the switches of the schedule.
 */
export function timelineLiteral({ trace, schedule }: Pick<Counterexample, "trace" | "schedule">): string {
  const legs = timelineOf(trace.steps);
  if (legs === undefined) return listOf("schedule", schedule.map(objectText));
  return listOf("timeline", legs.map(legText));
}

function listOf(name: string, items: readonly string[]): string {
  return [`${name}: [`, ...items.map((item) => `  ${item},`), "]"].join("\n");
}

function legText({ actor, until, nth, fault }: Leg): string {
  return objectText({ actor, until, nth, fault });
}

function objectText(object: object): string {
  const pairs = Object.entries(object).filter(([, value]) => value !== undefined);
  return `{ ${pairs.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ")} }`;
}
