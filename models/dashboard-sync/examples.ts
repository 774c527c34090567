import type { Fault, FaultKind, OperationCall, Program } from "../../src/index.js";
import type { Initial, PartitionState } from "./initial.js";
import type { Parameters } from "./operations.js";

type AnyParameters = Parameters[keyof Parameters];
type Calls = readonly OperationCall<AnyParameters>[];

const target = { run: 1, partition: 1 };
const gets = (operation: "deliver" | "redeliver", outcome: "fails" | "succeeds", partition = 1) => ({
  operation,
  parameters: { run: 1, partition, outcome },
});
const failsFirst = gets("deliver", "fails");
const succeedsFirst = gets("deliver", "succeeds");
const failsAgain = gets("redeliver", "fails");
const succeedsAgain = gets("redeliver", "succeeds");
const retry = { operation: "retry", parameters: target };
const retryOfAnotherRun = { operation: "retry", parameters: { run: 2, partition: 1 } };
const retryOfAnother = { operation: "retry", parameters: { run: 1, partition: 2 } };
const doubleRetry = { operation: "double retry", parameters: target };
const expire = { operation: "expire", parameters: target };
const relay = { operation: "relay", parameters: {} };
const deadLetter = { operation: "handle dead letter", parameters: target };
const viewRun = { operation: "view run", parameters: { run: 1 } };
const viewBoth = { operation: "view both", parameters: { run: 1 } };

const names = {
  A: "worker A",
  B: "worker B",
  user: "user",
  other: "other user",
  broker: "broker",
  office: "back office",
  dashboard: "dashboard",
} as const;

/** Who does what, in the order in which they would without a switch. */
type Acts = Readonly<Partial<Record<keyof typeof names, Calls>>>;

/** A program with one run. */
function program(
  partitions: readonly PartitionState[],
  acts: Acts,
  faults: Readonly<Partial<Record<keyof typeof names, FaultKind | readonly FaultKind[]>>> = {},
): Program<Initial, AnyParameters> {
  const actors = Object.entries(acts).map(([key, operations]) => ({ name: names[key as keyof Acts], operations }));
  const allowed = Object.entries(faults).flatMap(([key, kinds]) =>
    [kinds].flat().map((kind): Fault => ({ actor: names[key as keyof Acts], kind })),
  );
  return { initial: { runs: [partitions] }, actors, ...(allowed.length === 0 ? {} : { faults: allowed }) };
}

/**
 * Small programs, each for a race that is known or feared. Their actors stand in the order in which one switch, or one
 * fault, is enough to break whoever can be broken: the first is interrupted, the others run, the first goes on.
 * (Those with faults come first: where there are none, they are left out.)
 */
export const examples: readonly Program<Initial, AnyParameters>[] = [
  // Processes that die: a worker, with others after it; a user, with a worker after it; the relay.
  program(["pending"], { A: [failsFirst, failsAgain] }, { A: "crash" }),
  program(["pending"], { A: [succeedsFirst, succeedsAgain] }, { A: "crash" }),
  program(["pending"], { A: [failsFirst], B: [succeedsAgain], dashboard: [viewBoth] }, { A: "crash" }),
  program(["failed"], { user: [retry], A: [failsAgain] }, { user: "crash" }),
  program(["last delivery"], { A: [failsAgain], user: [retry], office: [relay] }, { user: "crash" }),
  program(["failed"], { user: [retry], office: [relay], A: [failsFirst] }, { user: "crash", office: "crash" }),
  program(["failed"], { user: [retry], office: [relay, relay] }, { user: "crash" }),
  program(["failed"], { user: [retry], office: [relay] }, { office: "crash" }),
  program(["last delivery"], { A: [failsAgain], office: [deadLetter], user: [retry], B: [failsFirst] }, { A: "crash" }),
  program(
    ["last delivery"],
    { A: [failsAgain], office: [deadLetter, deadLetter], user: [retry] },
    { A: "crash", office: "lost answer" },
  ),
  // Answers that get lost.
  program(["pending"], { A: [failsFirst] }, { A: "lost answer" }),
  program(["pending"], { A: [succeedsFirst, succeedsAgain] }, { A: "lost answer" }),
  program(["pending"], { A: [failsFirst], B: [succeedsAgain], user: [retry] }, { A: "lost answer" }),
  program(["failed"], { user: [retry] }, { user: "lost answer" }),
  program(["failed"], { user: [retry], office: [relay], A: [failsFirst] }, { user: "lost answer" }),
  // What Postgres gives up.
  program(["failed"], { A: [failsAgain], user: [retry] }, { A: "serialization failure" }),
  program(["failed"], { user: [retry], A: [failsAgain] }, { user: "serialization failure" }),
  program(["failed"], { A: [succeedsAgain], user: [retry] }, { A: "deadlock" }),
  program(
    ["failed"],
    { dashboard: [viewBoth], A: [failsAgain] },
    { dashboard: ["serialization failure", "lost answer"] },
  ),
  // The analysis' own: a redelivered message against a retry; the double retry, alone and where it can be seen.
  program(["failed"], { A: [failsAgain], user: [retry] }),
  program(["failed"], { user: [doubleRetry] }),
  program(["failed", "failed"], { user: [doubleRetry], A: [failsFirst] }),
  // A first failure, with a user who cannot wait, once and again.
  program(["pending"], { A: [failsFirst], user: [retry] }),
  program(["pending"], { A: [failsFirst], user: [retry], B: [failsFirst] }),
  // Two halves of a double retry, interleaved; and a worker that has the new work item before the second.
  program(["failed"], { user: [retry], other: [retry] }),
  program(["failed", "failed"], { user: [retry], other: [retry] }),
  program(["failed"], { user: [doubleRetry], A: [failsFirst] }),
  program(["failed"], { A: [failsAgain], user: [retry], other: [retry] }),
  // A success against a retry, and the outcome of a retry against that of a worker that did not notice it.
  program(["failed"], { A: [succeedsAgain], user: [retry] }),
  program(["failed"], { A: [succeedsAgain], user: [retry], B: [failsFirst] }),
  program(["failed"], { A: [failsAgain], user: [retry], B: [succeedsFirst] }),
  program(["failed"], { A: [failsAgain], user: [retry], B: [failsFirst] }),
  // A lock that expires while its worker is at work: two workers on one message.
  program(["pending"], { A: [failsFirst], broker: [expire], B: [succeedsAgain] }),
  program(["pending"], { A: [succeedsFirst], broker: [expire], B: [succeedsAgain] }),
  program(["pending"], { A: [failsFirst], broker: [expire], B: [failsAgain] }),
  program(["pending"], { A: [succeedsFirst], broker: [expire], B: [failsAgain] }),
  // Another partition of the same run: its worker, and its user.
  program(["failed", "pending"], { A: [gets("deliver", "fails", 2)], user: [retry] }),
  program(["failed", "failed"], { user: [retry], other: [retryOfAnother] }),
  // Another run.
  {
    ...program([], { A: [failsFirst], user: [retry], B: [succeedsFirst] }),
    initial: { runs: [["pending"], ["failed"]] },
  },
  // Somebody looks at the dashboard meanwhile.
  program(["failed"], { dashboard: [viewRun, viewRun], A: [succeedsAgain] }),
  program(["pending"], { dashboard: [viewRun], A: [failsFirst] }),
  program(["failed"], { dashboard: [viewRun, viewBoth], user: [retry] }),
  // The last delivery, and what becomes of a message after it.
  program(["last delivery"], { A: [failsAgain], broker: [expire], office: [deadLetter], user: [retry] }),
  program(["last delivery"], { A: [succeedsAgain], broker: [expire], office: [deadLetter] }),
  // Work items of two runs, for which no lock keeps the numbers in the order of the COMMITs; and several owed at once.
  { ...program([], { user: [retry], other: [retryOfAnotherRun] }), initial: { runs: [["failed"], ["failed"]] } },
  {
    ...program([], { user: [retry, retryOfAnother], other: [retryOfAnotherRun], office: [relay] }, { user: "crash" }),
    initial: { runs: [["failed", "failed"], ["failed"]] },
  },
  // A third worker that dies before it can begin: the failure is the first that is heard of this attempt.
  program(["retried in vain"], { A: [failsAgain], office: [deadLetter], user: [retry] }, { A: "crash" }),
];
