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
const doubleRetry = { operation: "double retry", parameters: target };
const expire = { operation: "expire", parameters: target };
const relay = { operation: "relay", parameters: {} };
const deadLetter = { operation: "handle dead letter", parameters: target };
const viewRun = { operation: "view run", parameters: { run: 1 } };
const viewBoth = { operation: "view both", parameters: { run: 1 } };

interface Acts {
  readonly A?: Calls;
  readonly B?: Calls;
  readonly user?: Calls;
  readonly other?: Calls;
  readonly broker?: Calls;
  readonly office?: Calls;
  readonly dashboard?: Calls;
}

const names: Readonly<Record<keyof Acts, string>> = {
  A: "worker A",
  B: "worker B",
  user: "user",
  other: "other user",
  broker: "broker",
  office: "back office",
  dashboard: "dashboard",
};

/** A program with one run. */
function program(
  partitions: readonly PartitionState[],
  acts: Acts,
  ...faults: Fault[]
): Program<Initial, AnyParameters> {
  const actors = (Object.keys(names) as (keyof Acts)[]).map((key) => ({
    name: names[key],
    operations: acts[key] ?? [],
  }));
  return { initial: { runs: [partitions] }, actors, ...(faults.length === 0 ? {} : { faults }) };
}

const fault = (actor: keyof Acts, kind: FaultKind): Fault => ({ actor: names[actor], kind });

/** Small programs, each for a race that is known or feared. */
export const examples: readonly Program<Initial, AnyParameters>[] = [
  // The analysis' own: a redelivered message against a retry; the double retry, alone and where it can be seen.
  program(["failed"], { A: [failsAgain], user: [retry] }),
  program(["failed"], { user: [doubleRetry] }),
  program(["failed", "failed"], { user: [doubleRetry] }),
  // A first failure, with a user who cannot wait; and two halves of a double retry, interleaved.
  program(["pending"], { A: [failsFirst], user: [retry] }),
  program(["failed"], { user: [retry], other: [retry] }),
  program(["failed", "failed"], { user: [retry], other: [retry] }),
  program(["failed"], { A: [failsAgain], user: [doubleRetry] }),
  program(["failed"], { A: [failsAgain], user: [retry], other: [retry] }),
  // A success against a retry, and the outcome of a retry against that of a worker that did not notice it.
  program(["failed"], { A: [succeedsAgain], user: [retry] }),
  program(["failed"], { A: [succeedsAgain], B: [failsFirst], user: [retry] }),
  program(["failed"], { A: [failsAgain], B: [succeedsFirst], user: [retry] }),
  program(["failed"], { A: [failsAgain], B: [failsFirst], user: [retry] }),
  // A lock that expires while its worker is at work: two workers on one message.
  program(["pending"], { A: [failsFirst], B: [succeedsAgain], broker: [expire] }),
  program(["pending"], { A: [succeedsFirst], B: [succeedsAgain], broker: [expire] }),
  program(["pending"], { A: [failsFirst], B: [failsAgain], broker: [expire] }),
  program(["failed"], { A: [failsAgain], B: [succeedsAgain], broker: [expire] }),
  // Another partition of the same run.
  program(["failed", "pending"], { A: [gets("deliver", "fails", 2)], user: [retry] }),
  // Somebody looks at the dashboard meanwhile.
  program(["failed"], { A: [succeedsAgain], dashboard: [viewRun] }),
  program(["pending"], { A: [failsFirst], dashboard: [viewRun] }),
  program(["failed"], { user: [retry], dashboard: [viewRun, viewBoth] }),
  // The last delivery.
  program(["last delivery"], { A: [failsAgain], broker: [expire], office: [deadLetter] }),
  program(["last delivery"], { A: [succeedsAgain], user: [retry], broker: [expire], office: [deadLetter] }),
  // Processes that die.
  program(["pending"], { A: [failsFirst] }, fault("A", "crash")),
  program(["pending"], { A: [succeedsFirst, succeedsAgain] }, fault("A", "crash")),
  program(["failed"], { user: [retry] }, fault("user", "crash")),
  program(["failed"], { A: [failsAgain], user: [retry], office: [relay] }, fault("user", "crash")),
  program(["failed"], { A: [failsFirst], user: [retry], office: [relay] }, fault("office", "crash")),
  program(["last delivery"], { A: [failsAgain] }, fault("A", "crash")),
  program(["last delivery"], { A: [failsAgain], user: [retry], office: [deadLetter] }, fault("A", "crash")),
  program(
    ["last delivery"],
    { A: [failsAgain], user: [retry], office: [deadLetter, deadLetter] },
    fault("A", "crash"),
    fault("office", "lost answer"),
  ),
  // Answers that get lost, and what Postgres gives up.
  program(["pending"], { A: [failsFirst] }, fault("A", "lost answer")),
  program(["pending"], { A: [succeedsFirst, succeedsAgain] }, fault("A", "lost answer")),
  program(["pending"], { A: [failsFirst], B: [succeedsAgain], user: [retry] }, fault("A", "lost answer")),
  program(["failed"], { user: [retry] }, fault("user", "lost answer")),
  program(["failed"], { A: [failsFirst], user: [retry], office: [relay] }, fault("user", "lost answer")),
  program(["failed"], { A: [failsAgain], user: [retry] }, fault("A", "serialization failure")),
  program(["failed"], { A: [failsAgain], user: [retry] }, fault("user", "serialization failure")),
  program(["failed"], { A: [succeedsAgain], user: [retry] }, fault("A", "deadlock")),
];
