import { execute, type Assignment, type Executed } from "../src/execution/execution.js";
import type { Lane } from "../src/execution/lane.js";
import type { Lanes } from "../src/execution/lanes.js";
import { assignedPool } from "../src/execution/pool.js";
import { Footprints } from "../src/footprint/footprints.js";
import type { Scheduler, Search } from "../src/strategy/strategy.js";
import type { Kernel } from "./kernels.js";

/** Executions that are planned together: they are independent of each other, and lanes are not idle. */
const batchSize = 32;

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
  for (let batch = take(search); batch.length > 0; batch = take(search)) {
    const jobs = batch.map((next) => (lane: Lane) => execute(lane, assignmentOf(kernel), next));
    for await (const executed of lanes.ordered(jobs)) {
      search.learn(executed);
      yield executed;
    }
  }
}

function take(search: Search): Scheduler[] {
  const batch: Scheduler[] = [];
  while (batch.length < batchSize) {
    const next = search.next();
    if (next === undefined) break;
    batch.push(next);
  }
  return batch;
}

function assignmentOf({ model, implementation, program }: Kernel): Assignment {
  return { model, implementation, program, pool: assignedPool, record: false };
}
