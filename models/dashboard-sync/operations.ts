import { fc, yieldPoint, type OperationContext, type Thrown } from "../../src/index.js";
import { WorkerRunGone, type DashboardSync } from "./implementation.js";
import { exists, runs, targets, workItem, type Initial, type Target } from "./initial.js";
import type { Queue } from "./queue.js";

type Context = OperationContext<Initial, DashboardSync, Queue>;

/** What a worker is to do with a message: which partition's, and how the work ends. */
export interface Work extends Target {
  readonly outcome: "fails" | "succeeds";
}

/** Which run a page is about. */
export type Run = Pick<Target, "run">;

// More failures than successes: it is failures that are tracked in three places.
const outcomes = fc.constantFrom<Work["outcome"]>("fails", "fails", "fails", "succeeds");

const work = (initial: Initial): fc.Arbitrary<Work> =>
  fc.tuple(targets(initial), outcomes).map(
    ([target, outcome]) => ({ ...target, outcome }),
    // The way back, so that fast-check can shrink a value that it did not just generate.
    (value) => {
      const { outcome, ...target } = value as Work;
      return [target, outcome];
    },
  );

/** A worker gets a message: one that was never delivered before, if there is one. */
export const deliver = {
  parameters: work,
  describe: (parameters: Work) => `deliver ${name(parameters)}, ${parameters.outcome}`,
  run: (context: Context, parameters: Work) => handle(context, parameters, "new first"),
  expectedError: messageFailed,
};

/** A worker gets a message that was delivered before: it was abandoned, or its lock expired. */
export const redeliver = {
  parameters: work,
  describe: (parameters: Work) => `redeliver ${name(parameters)}, ${parameters.outcome}`,
  run: (context: Context, parameters: Work) => handle(context, parameters, "came back"),
  expectedError: messageFailed,
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
    const first = await pressRetry(context, target);
    await yieldPoint("press retry again");
    return [first, await pressRetry(context, target)];
  },
};

/** The broker: a worker takes too long, and the lock on its message expires. The worker does not notice. */
export const expire = {
  parameters: targets,
  describe: (target: Target) => `expire lock of ${name(target)}`,
  run: async ({ world: queue, initial }: Context, target: Target) => {
    if (!exists(initial, target)) return "no such partition";
    for (let looks = 0; looks < patience; looks++) {
      const became = await queue.expire(workItem(target));
      if (became !== undefined) return became;
    }
    return "no message is locked";
  },
};

/** Somebody opens the dashboard's page of one run. */
export const viewRun = {
  parameters: runs,
  describe: ({ run }: Run) => `view run ${run}`,
  run: ({ implementation }: Context, { run }: Run) => implementation.getRunDetails(`r${run}`),
};

/** Somebody opens the dashboard's page of all runs. */
export const viewRuns = {
  parameters: fc.constant({}),
  describe: () => "view runs",
  run: ({ implementation }: Context) => implementation.getRunsWithStats(),
};

function name({ run, partition }: Target): string {
  return `run ${run}, partition ${partition}`;
}

/** An implementation that checks its worker run lets the message fail: that is what it is meant to do. */
function messageFailed({ name }: Thrown): boolean {
  return name === WorkerRunGone.name;
}

async function handle(
  { implementation, world: queue, initial }: Context,
  work: Work,
  which: "came back" | "new first",
): Promise<string> {
  if (!exists(initial, work)) return "no such partition";
  const item = workItem(work);
  const delivery = await queue.receive(item, which);
  if (delivery === undefined) return "no message";
  try {
    const workerRun = await implementation.startWork(item);
    await yieldPoint("work");
    if (work.outcome === "succeeds") {
      await implementation.recordSuccess(item, workerRun, 10);
      return (await queue.complete(delivery)) ? "completed" : "completed, but the lock was lost";
    }
    await implementation.recordFailure(item, workerRun, "worker failed");
  } catch (error) {
    // Whatever goes wrong in the worker fails the message.
    await queue.abandon(delivery);
    throw error;
  }
  const became = await queue.abandon(delivery);
  return became === "waits again" ? "abandoned" : `abandoned: ${became}`;
}

/** How often a user looks, and how often the broker's clock is looked at, before they give up. */
const patience = 2;

/** The user looks at the page until it shows the failure. */
async function showsFailed({ implementation, initial }: Context, target: Target): Promise<boolean> {
  if (!exists(initial, target)) return false;
  const { runId, partitionId } = workItem(target);
  for (let looks = 0; looks < patience; looks++) {
    if (looks > 0) await waitAWhile();
    const workers = await implementation.workersTable(runId);
    if (workers.some(({ partition_id, status }) => partition_id === partitionId && status === "failed")) return true;
  }
  return false;
}

/** Steps that cost nothing, so that the next look is likely to find something new. */
async function waitAWhile(): Promise<void> {
  for (let i = 0; i < 3; i++) await yieldPoint("wait for the page to refresh");
}

async function pressRetry({ implementation, world: queue }: Context, target: Target): Promise<string> {
  const item = workItem(target);
  if (!(await implementation.resetFailedWorker(item))) return "nothing to retry";
  await queue.send(item);
  return "work item sent";
}
