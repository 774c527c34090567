import type { Trace } from "../execution/trace.js";
import type { Switch } from "../strategy/schedule.js";
import { turnsOf } from "./candidates.js";
import type { Turns } from "./memory.js";

/** Orders of the same steps with a switch less: two runs of one session, with others between them, become one. */
export function* joined(steps: Trace["steps"]): Generator<Turns> {
  const runs: Omit<Switch, "step">[][] = [];
  for (const turn of turnsOf(steps)) {
    const last = runs.at(-1);
    if (last?.[0]?.to === turn.to) last.push(turn);
    else runs.push([turn]);
  }
  for (const [at, run] of runs.entries()) {
    const next = runs.findIndex((other, index) => index > at && other[0]!.to === run[0]!.to);
    if (next < 0) continue;
    const both = [...run, ...runs[next]!];
    yield runs.toSpliced(next, 1).with(at, both).flat();
    yield runs.with(next, both).toSpliced(at, 1).flat();
  }
}
