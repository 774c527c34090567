import type { OperationCall, Program } from "../../src/index.js";
import type { PartitionState } from "../dashboard-sync/initial.js";
import type { MigrationInitial } from "./initial.js";
import type { actors, Parameters } from "./operations.js";
import type { Phase } from "./phases.js";

type AnyParameters = Parameters[keyof Parameters];
type Calls = readonly OperationCall<AnyParameters>[];

const target = { run: 1, partition: 1 };
const gets = (operation: "deliver" | "redeliver", outcome: "fails" | "succeeds") => ({
  operation,
  parameters: { ...target, outcome },
});
const failsFirst = gets("deliver", "fails");
const succeedsFirst = gets("deliver", "succeeds");
const failsAgain = gets("redeliver", "fails");
const succeedsAgain = gets("redeliver", "succeeds");
const retry = { operation: "retry", parameters: target };
const viewRun = { operation: "view run", parameters: { run: 1 } };
const next = { operation: "next step", parameters: {} };

type Acts = Readonly<Partial<Record<keyof typeof actors, Calls>>>;

function program(
  phase: Phase,
  state: PartitionState | "desynced",
  acts: Acts,
): Program<MigrationInitial, AnyParameters> {
  const desynced = state === "desynced";
  return {
    initial: { phase, desynced, runs: [[desynced ? "failed" : state]] },
    // In the order in which they would act without a switch.
    actors: Object.entries(acts).map(([name, operations]) => ({ name, operations })),
  };
}

/** Each step against each kind of traffic, and what is left of the traffic in each phase. */
export const examples: readonly Program<MigrationInitial, AnyParameters>[] = [
  // The rolling deploy of the dual read: old and new code side by side.
  program("before", "failed", { "worker A": [failsAgain], dashboard: [viewRun], operator: [next] }),
  program("before", "failed", { user: [retry], dashboard: [viewRun, viewRun], operator: [next] }),
  program("before", "pending", { "worker A": [failsFirst], dashboard: [viewRun], operator: [next] }),
  // A page that compares, with nothing wrong.
  program("dual read", "failed", { "worker A": [succeedsAgain], dashboard: [viewRun] }),
  program("dual read", "failed", { user: [retry], dashboard: [viewRun] }),
  program("dual read", "pending", { "worker A": [failsFirst], dashboard: [viewRun] }),
  // The reconciliation: of what is wrong, in the middle of a retry, and of a report.
  program("dual read", "desynced", { operator: [next] }),
  program("dual read", "failed", { user: [retry], operator: [next] }),
  program("dual read", "pending", { "worker A": [failsFirst], operator: [next] }),
  program("dual read", "failed", { "worker A": [succeedsAgain], operator: [next] }),
  program("dual read", "desynced", { "worker A": [failsAgain], operator: [next] }),
  program("dual read", "desynced", { operator: [next], "worker A": [succeedsAgain] }),
  program("dual read", "failed", { operator: [next], user: [retry] }),
  program("dual read", "failed", { "worker A": [failsAgain], user: [retry], operator: [next] }),
  program("before", "failed", { user: [retry], operator: [next, next] }),
  program("before", "pending", { "worker A": [failsFirst], operator: [next, next] }),
  // The columns go, with whatever still names them.
  program("ready to drop", "pending", { "worker A": [failsFirst], operator: [next] }),
  program("ready to drop", "failed", { user: [retry], operator: [next] }),
  program("ready to drop", "failed", { dashboard: [viewRun], operator: [next] }),
  program("dual read", "pending", { "worker A": [succeedsFirst], operator: [next, next] }),
  program("dual read", "failed", { user: [retry], operator: [next, next] }),
  program("dual read", "failed", { dashboard: [viewRun], operator: [next, next] }),
  // They are gone.
  program("columns dropped", "pending", { "worker A": [failsFirst] }),
  program("columns dropped", "pending", { "worker A": [succeedsFirst], "worker B": [failsAgain] }),
  program("columns dropped", "failed", { user: [retry], dashboard: [viewRun] }),
  program("columns dropped", "last delivery", { "worker A": [failsAgain, failsAgain], user: [retry] }),
  program("columns dropped", "failed", { "worker A": [failsAgain], user: [retry], operator: [next] }),
  program("done", "pending", { "worker A": [failsFirst], dashboard: [viewRun], user: [retry] }),
];
