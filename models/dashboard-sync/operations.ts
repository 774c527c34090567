import { fc, yieldPoint, type OperationContext } from "../../src/index.js";
import type { DashboardSync } from "./implementation.js";
import { exists, targets, workItem, type Initial, type Target } from "./initial.js";
import type { Queue } from "./queue.js";

type Context = OperationContext<Initial, DashboardSync, Queue>;

/** What a worker is to do with a message: which partition's, and how the work ends. */
export interface Work extends Target {
  readonly outcome: "fails" | "succeeds";
}

const work = (initial: Initial): fc.Arbitrary<Work> =>
  fc.tuple(targets(initial), fc.constantFrom<Work["outcome"]>("fails", "succeeds")).map(
    ([target, outcome]) => ({ ...target, outcome }),
    // The way back, so that fast-check can shrink a value that it did not just generate.
    (value) => {
      const { outcome, ...target } = value as Work;
      return [target, outcome];
    },
  );

/** A worker gets a message that was never delivered before. */
export const deliver = {
  parameters: work,
  describe: (parameters: Work) => `deliver ${name(parameters)}, ${parameters.outcome}`,
  run: (context: Context, parameters: Work) => handle(context, parameters, false),
};

/** A worker gets a message that was abandoned. */
export const redeliver = {
  parameters: work,
  describe: (parameters: Work) => `redeliver ${name(parameters)}, ${parameters.outcome}`,
  run: (context: Context, parameters: Work) => handle(context, parameters, true),
};

/** The user looks at the dashboard, sees a failed worker, and presses retry. */
export const retry = {
  parameters: targets,
  describe: (target: Target) => `retry ${name(target)}`,
  run: async (context: Context, target: Target) =>
    (await showsFailed(context, target)) ? pressRetry(context, target) : "not shown as failed",
};

/** The same, but the user presses twice, quickly: the page still shows the failure. */
export const doubleRetry = {
  parameters: targets,
  describe: (target: Target) => `double retry ${name(target)}`,
  run: async (context: Context, target: Target) => {
    if (!(await showsFailed(context, target))) return "not shown as failed";
    return [await pressRetry(context, target), await pressRetry(context, target)];
  },
};

function name({ run, partition }: Target): string {
  return `run ${run}, partition ${partition}`;
}

async function handle({ implementation, world: queue, initial }: Context, work: Work, again: boolean): Promise<string> {
  if (!exists(initial, work)) return "no such partition";
  const item = workItem(work);
  const delivery = await queue.receive(item, again);
  if (delivery === undefined) return "no message";
  const workerRun = await implementation.startWork(item);
  await yieldPoint("work");
  if (work.outcome === "succeeds") {
    await implementation.recordSuccess(item, workerRun, 10);
    await queue.complete(delivery);
    return "completed";
  }
  await implementation.recordFailure(item, workerRun, "worker failed");
  await queue.abandon(delivery);
  return "abandoned";
}

async function showsFailed({ implementation, initial }: Context, target: Target): Promise<boolean> {
  if (!exists(initial, target)) return false;
  const { runId, partitionId } = workItem(target);
  const workers = await implementation.workersTable(runId);
  return workers.some(({ partition_id, status }) => partition_id === partitionId && status === "failed");
}

async function pressRetry({ implementation, world: queue }: Context, target: Target): Promise<string> {
  const item = workItem(target);
  if (!(await implementation.resetFailedWorker(item))) return "nothing to retry";
  await queue.send(item);
  return "work item sent";
}
