import type { Choice, Scheduler } from "./strategy.js";

/** How a scheduler scheduled, added up over its steps. */
export interface Metrics {
  /** Steps that were taken. */
  readonly steps: number;
  /** Those before which there was something to choose. */
  readonly decisions: number;
  /** How often another session took a step than the one before. */
  readonly contextSwitches: number;
  /** Of these, how often the one before could have gone on. */
  readonly preemptions: number;
  /** Steps that had to wait for a lock. */
  readonly lockWaits: number;
}

/** A scheduler that knows how it has scheduled so far. */
export interface MeteredScheduler extends Scheduler {
  readonly metrics: Metrics;
}

/** Counts what another scheduler does, and changes nothing about it. After shuttle's metrics scheduler. */
export function metered(scheduler: Scheduler): MeteredScheduler {
  const counts = { steps: 0, decisions: 0, contextSwitches: 0, preemptions: 0 };
  let [answered, waited] = [0, 0];
  return {
    choose(choices, last) {
      const chosen = scheduler.choose(choices, last);
      const choice = choices[chosen];
      // None where it prefers to wait for those that wait.
      if (choice !== undefined) count(counts, choices, choice, last);
      return chosen;
    },
    taken(step, after) {
      answered++;
      if (after.waited) waited++;
      scheduler.taken?.(step, after);
    },
    // What has not answered in the end waits for ever.
    get metrics() {
      return { ...counts, lockWaits: waited + counts.steps - answered };
    },
  };
}

function count(
  counts: { steps: number; decisions: number; contextSwitches: number; preemptions: number },
  choices: readonly Choice[],
  { session }: Choice,
  last: Choice | undefined,
): void {
  counts.steps++;
  if (choices.length > 1) counts.decisions++;
  if (last === undefined || last.session === session) return;
  counts.contextSwitches++;
  if (choices.some((other) => other.session === last.session)) counts.preemptions++;
}

/** The metrics of several executions, added up. */
export function sumOfMetrics(all: readonly Metrics[]): Metrics {
  const sum = (of: keyof Metrics) => all.reduce((total, metrics) => total + metrics[of], 0);
  return {
    steps: sum("steps"),
    decisions: sum("decisions"),
    contextSwitches: sum("contextSwitches"),
    preemptions: sum("preemptions"),
    lockWaits: sum("lockWaits"),
  };
}
