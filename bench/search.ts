import { execute, type Assignment, type Executed } from "../src/execution/execution.js";
import type { Lanes } from "../src/execution/lanes.js";
import { assignedPool } from "../src/execution/pool.js";
import { inOrder } from "../src/explore/in-order.js";
import { Footprints } from "../src/footprint/footprints.js";
import { follow } from "../src/strategy/follow.js";
import type { Schedule } from "../src/strategy/schedule.js";
import type { Scheduler, Search } from "../src/strategy/strategy.js";
import type { Kernel } from "./kernels.js";

/** What strategies may know of a kernel's program. */
export async function aboutOf(lanes: Lanes): Promise<{ readonly footprints: () => Footprints }> {
  const catalog = await lanes.run((lane) => lane.catalog());
  return { footprints: () => new Footprints(catalog, lanes.isolation) };
}

/** Runs what a search hands out, one execution after the other, until the caller has seen enough. */
export async function* oneByOne(lanes: Lanes, kernel: Kernel, search: Search): AsyncGenerator<Executed> {
  for (let scheduler = search.next(); scheduler !== undefined; scheduler = search.next()) {
    const next = scheduler;
    const executed = await lanes.run((lane) => execute(lane, assignmentOf(kernel), next));
    search.learn(executed);
    yield executed;
  }
}

/** The same on all lanes at once. */
export async function* together(lanes: Lanes, kernel: Kernel, search: Search): AsyncGenerator<Executed> {
  const run = (next: Scheduler) => lanes.run((lane) => execute(lane, assignmentOf(kernel), next));
  for await (const { result } of inOrder(() => search.next(), run)) {
    search.learn(result);
    yield result;
  }
}

/** Every order there is: behind each execution, those that take another choice at a step behind its last switch. */
export async function* everyOrder(lanes: Lanes, kernel: Kernel): AsyncGenerator<Executed> {
  const schedules: Schedule[] = [[]];
  const run = (next: Schedule) => lanes.run((lane) => execute(lane, assignmentOf(kernel), follow(next)));
  for await (const { result } of inOrder(() => schedules.pop(), run)) {
    const { trace, pending } = result;
    const from = (trace.schedule.at(-1)?.step ?? -1) + 1;
    for (const { index, session } of trace.steps.slice(from))
      for (const other of pending[index]!)
        if (other.session !== session) schedules.push([...trace.schedule, { step: index, to: other.session }]);
    yield result;
  }
}

function assignmentOf({ model, implementation, program }: Kernel): Assignment {
  return { model, implementation, program, pool: assignedPool, record: false };
}
