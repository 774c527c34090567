import checkThenInsert from "../models/check-then-insert/model.js";
import claimWithoutSkipLocked from "../models/claim-without-skip-locked/model.js";
import dashboardSync from "../models/dashboard-sync/model.js";
import doubleSpend from "../models/double-spend/model.js";
import lockOrderedTransfer from "../models/lock-ordered-transfer/model.js";
import lockReleasedTooEarly from "../models/lock-released-too-early/model.js";
import lostUpdate from "../models/lost-update/model.js";
import outboxSentTwice from "../models/outbox-sent-twice/model.js";
import oversell from "../models/oversell/model.js";
import receiptAndBatch from "../models/receipt-and-batch/model.js";
import upsertRace from "../models/upsert-race/model.js";
import writeSkew from "../models/write-skew/model.js";
import type { AnyModel } from "../src/execution/model.js";
import type { Json, Program } from "../src/execution/program.js";

/** One program of a model that some orders break, the same for everybody who is measured with it. */
export interface Kernel {
  readonly model: AnyModel;
  readonly implementation: string;
  readonly program: Program;
}

/** One operation for each actor, with its parameters. */
type Calls = Readonly<Record<string, readonly [operation: string, parameters?: Json]>>;

export function kernel(model: AnyModel, initial: Json, calls: Calls, implementation = "broken"): Kernel {
  const actors = Object.entries(calls).map(([name, [operation, parameters = null]]) => ({
    name,
    operations: [{ operation, parameters }],
  }));
  // Answers are not looked at: code that runs uncontrolled has no steps that would say which call came first.
  const { reference: _, ...judged } = model;
  return { model: judged, implementation, program: { initial, actors } };
}

const transfer = (from: number, to: number) => ["transfer", { from, to, amount: 10 }] as const;
const partition = { run: 1, partition: 1 };

/** In the order of how deep the race is hidden, more or less. */
export const kernels: readonly Kernel[] = [
  kernel(checkThenInsert, null, { "tab 1": ["sign up", "ann@example.com"], "tab 2": ["sign up", "ann@example.com"] }),
  kernel(outboxSentTwice, 1, { "relay A": ["relay"], "relay B": ["relay"] }),
  kernel(lostUpdate, 0, { alice: ["deposit", 10], bob: ["deposit", 50] }),
  kernel(writeSkew, ["alice", "bob"], { alice: ["go home"], bob: ["go home"] }),
  kernel(doubleSpend, 100, { phone: ["pay", 100], laptop: ["pay", 100] }),
  kernel(oversell, 1, { ann: ["buy", 1], bea: ["buy", 1] }),
  kernel(claimWithoutSkipLocked, 1, { "worker A": ["work"], "worker B": ["work"] }),
  kernel(lockOrderedTransfer, [100, 100], { alice: transfer(1, 2), bob: transfer(2, 1) }),
  kernel(lockReleasedTooEarly, null, { "clerk 1": ["issue"], "clerk 2": ["issue"] }),
  kernel(
    dashboardSync,
    { runs: [["failed"]] },
    { "worker A": ["redeliver", { ...partition, outcome: "fails" }], user: ["retry", partition] },
    "legacy",
  ),
  kernel(receiptAndBatch, 1, { cashier: ["add receipt", 10], manager: ["close batch"], auditor: ["report"] }),
  kernel(upsertRace, null, {
    "visitor 1": ["view", "home"],
    "visitor 2": ["view", "home"],
    reporter: ["flush", "home"],
  }),
];
