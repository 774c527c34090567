import { fc, yieldPoint, type Json, type OperationContext, type Thrown } from "../../src/index.js";
import { WorkerRunGone, type DashboardSync } from "./implementation.js";
import { isLostConnectionMessage } from "./implementations/repeat.js";
import { exists, runs, targets, workItem, type Initial, type Target } from "./initial.js";
import type { Queue, WorkItem } from "./queue.js";

type Context = OperationContext<Initial, DashboardSync, Queue>;

/** What a worker is to do with a message: which partition's, and how the work ends. */
export interface Work extends Target {
  readonly outcome: "fails" | "succeeds";
}

/** Which run a page is about. */
export type Run = Pick<Target, "run">;

/** What a worker that succeeds has processed. */
const recordsProcessed = 10;

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
const deliver = {
  parameters: work,
  describe: (parameters: Work) => `deliver ${name(parameters)}, ${parameters.outcome}`,
  run: (context: Context, parameters: Work) => handle(context, parameters, "new first"),
  expectedError: messageFailed,
};

/** A worker gets a message that was delivered before: it was abandoned, or its lock expired. */
const redeliver = {
  parameters: work,
  describe: (parameters: Work) => `redeliver ${name(parameters)}, ${parameters.outcome}`,
  run: (context: Context, parameters: Work) => handle(context, parameters, "came back"),
  expectedError: messageFailed,
};

/** The user looks at the dashboard, sees a failed worker, and presses retry. */
const retry = {
  parameters: targets,
  describe: (target: Target) => `retry ${name(target)}`,
  run: async (context: Context, target: Target) => {
    const shown = await shownAsFailed(context, target);
    return shown === undefined ? "not shown as failed" : pressRetry(context, shown);
  },
  expectedError: connectionLost,
};

/** The same, but the user presses twice, quickly: the page still shows the failure. */
const doubleRetry = {
  parameters: targets,
  describe: (target: Target) => `double retry ${name(target)}`,
  run: async (context: Context, target: Target) => {
    const shown = await shownAsFailed(context, target);
    if (shown === undefined) return "not shown as failed";
    const first = await pressRetry(context, shown);
    await yieldPoint("press retry again");
    return [first, await pressRetry(context, shown)];
  },
  expectedError: connectionLost,
};

/** The broker: a worker takes too long, and the lock on its message expires. The worker does not notice. */
const expire = {
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

/** What is still owed to the queue is sent, as happens now and then. */
const relay = {
  parameters: fc.constant({}),
  describe: () => "relay what is owed to the queue",
  run: async ({ implementation: { outbox }, world: queue }: Context) => {
    if (outbox === undefined) return "nothing is kept for sending later";
    await outbox.relay((item) => queue.send(item));
    return "sent what was owed";
  },
  expectedError: connectionLost,
};

/** A dead letter is looked after, by implementations that do. */
const handleDeadLetter = {
  parameters: targets,
  describe: (target: Target) => `handle dead letter of ${name(target)}`,
  run: async ({ implementation: { outbox }, world: queue, initial, call }: Context, target: Target) => {
    if (outbox === undefined) return "nobody looks after dead letters";
    if (!exists(initial, target)) return "no such partition";
    const item = await queue.peekDeadLetter(workItem(target));
    if (item === undefined) return "no dead letter";
    await call("recordDeadLetter", { ...item }, () => outbox.recordDeadLetter(item));
    await queue.removeDeadLetter(item);
    return "failure recorded";
  },
  expectedError: connectionLost,
};

/** Somebody opens the dashboard's page of one run. */
const viewRun = {
  parameters: runs,
  describe: ({ run }: Run) => `view run ${run}`,
  run: (context: Context, { run }: Run) => getRunDetails(context, run),
  expectedError: connectionLost,
};

/** Somebody opens the dashboard's page of all runs. */
const viewRuns = {
  parameters: fc.constant({}),
  describe: () => "view runs",
  run: (context: Context) => getRunsWithStats(context),
  expectedError: connectionLost,
};

/** Somebody opens both pages, one after the other. */
const viewBoth = {
  parameters: runs,
  describe: ({ run }: Run) => `view runs, then run ${run}`,
  run: async (context: Context, { run }: Run) => ({
    list: await getRunsWithStats(context),
    details: await getRunDetails(context, run),
  }),
  expectedError: connectionLost,
};

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature
export type Parameters = {
  deliver: Work;
  redeliver: Work;
  retry: Target;
  "double retry": Target;
  expire: Target;
  relay: Record<string, never>;
  "handle dead letter": Target;
  "view run": Run;
  "view runs": Record<string, never>;
  "view both": Run;
};

export const operations = {
  deliver,
  redeliver,
  retry,
  "double retry": doubleRetry,
  expire,
  relay,
  "handle dead letter": handleDeadLetter,
  "view run": viewRun,
  "view runs": viewRuns,
  "view both": viewBoth,
};

export const actors = {
  "worker A": ["redeliver", "deliver"],
  "worker B": ["redeliver", "deliver"],
  user: ["retry", "double retry"],
  "other user": ["retry"],
  broker: ["expire"],
  "back office": ["relay", "handle dead letter"],
  dashboard: ["view run", "view both"],
} as const satisfies Readonly<Record<string, readonly (keyof Parameters)[]>>;

function name({ run, partition }: Target): string {
  return `run ${run}, partition ${partition}`;
}

/** What a call of the reference is about: with the attempt, where the implementation heeds it. */
function about({ implementation }: Context, { attempt, ...partition }: WorkItem): Record<string, Json> {
  return implementation.outbox === undefined ? partition : { ...partition, attempt };
}

async function handle(context: Context, work: Work, which: "came back" | "new first"): Promise<string> {
  const { implementation, world: queue, initial, actor, call } = context;
  if (!exists(initial, work)) return "no such partition";
  const delivery = await queue.receive(workItem(work), which, actor);
  if (delivery === undefined) return "no message";
  const { item } = delivery;
  try {
    const workerRun = await call("startWork", about(context, item), () => implementation.startWork(item));
    if (workerRun === undefined) {
      await queue.complete(delivery);
      return "outdated";
    }
    await yieldPoint("work");
    const report = { ...about(context, item), workerRun: workerRun.id };
    if (work.outcome === "succeeds") {
      const success = { ...report, records: recordsProcessed };
      await call("recordSuccess", success, () => implementation.recordSuccess(item, workerRun, recordsProcessed));
      return (await queue.complete(delivery)) ? "completed" : "completed, but the lock was lost";
    }
    await call("recordFailure", report, () => implementation.recordFailure(item, workerRun, "worker failed"));
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

/** The user looks at the page until it shows the failure: what a retry of it would send. */
async function shownAsFailed(context: Context, target: Target): Promise<WorkItem | undefined> {
  const { implementation, initial, call } = context;
  if (!exists(initial, target)) return undefined;
  const { runId, partitionId } = workItem(target);
  for (let looks = 0; looks < patience; looks++) {
    if (looks > 0) await waitAWhile();
    const workers = await call("workersTable", { runId }, async () =>
      (await implementation.workersTable(runId)).map(({ partition_id, status, payload }) => ({
        partition_id,
        status,
        payload,
      })),
    );
    const failed = workers.find(({ partition_id, status }) => partition_id === partitionId && status === "failed");
    if (failed !== undefined) return failed.payload;
  }
  return undefined;
}

/** Steps that cost nothing, so that the next look is likely to find something new. */
async function waitAWhile(): Promise<void> {
  for (let i = 0; i < 3; i++) await yieldPoint("wait for the page to refresh");
}

async function pressRetry(context: Context, item: WorkItem): Promise<string> {
  const { implementation, world: queue, call } = context;
  const reset = await call("resetFailedWorker", about(context, item), () => implementation.resetFailedWorker(item));
  if (reset === false) return "nothing to retry";
  if (implementation.outbox === undefined) await queue.send(item);
  else await implementation.outbox.relay((owed) => queue.send(owed));
  return "work item sent";
}

/** An answer in one snapshot is one call of the reference; of any other, nobody can say which moment it is from. */
function getRunDetails({ implementation, call }: Context, run: number) {
  const runId = `r${run}`;
  const body = () => implementation.getRunDetails(runId);
  return implementation.snapshot ? call("getRunDetails", { runId }, body) : body();
}

function getRunsWithStats({ implementation, call }: Context) {
  const body = () => implementation.getRunsWithStats();
  return implementation.snapshot ? call("getRunsWithStats", {}, body) : body();
}

/** The connection broke: code that does not try again passes that on. */
function connectionLost({ message }: Thrown): boolean {
  return isLostConnectionMessage(message);
}

/** An implementation that checks its worker run lets the message fail: that is what it is meant to do. */
function messageFailed(error: Thrown): boolean {
  return error.name === WorkerRunGone.name || connectionLost(error);
}
