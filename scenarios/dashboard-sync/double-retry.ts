import type { Scenario } from "../../src/index.js";
import {
  apart,
  clamped,
  deliver,
  desync,
  doubleRetry,
  each,
  flags,
  model,
  repaired,
  retry,
  rows,
  status,
} from "./build.js";

const once = { display: { counter: "1", flags: "p2 failed", rows: "p2 failed" }, breaks: [] };
const twice = { counter: "0", flags: "p2 failed", rows: "p2 failed" };

/** The analysis' second race, with the second failed partition that it takes to see the damage. */
export const doubleRetryOfOne: Scenario = {
  name: "double-retry",
  title: "Two partitions have failed; the user presses retry twice for one of them, before a worker starts",
  model,
  program: {
    initial: { runs: [["failed", "failed"]] },
    actors: [{ name: "user", operations: [doubleRetry] }],
  },
  timeline: [{ actor: "user" }],
  ends: {
    // The second press decrements for partition 2. No lock helps: one press comes after the other.
    ...each(["legacy", "option-3-advisory-lock", "option-3-lock-held"], {
      display: twice,
      breaks: [flags, rows, desync, apart],
    }),
    // The same, but what nobody sees in the end: the counter is there for reference only.
    ...each(["option-1a-count-partitions", "option-1b-count-worker-runs"], {
      display: twice,
      breaks: [flags, rows, apart],
    }),
    // The second press finds no failed worker run. (It sends a second work item nevertheless.)
    ...each(["option-2-atomic-reset", "option-2-throwing-update"], once),
    ...each(repaired, once),
  },
};

const failedAgain = { display: { counter: "1", flags: "p1 failed", rows: "p1 failed" }, breaks: [] };

const lost = { counter: "1", flags: "none", rows: "none" };

/** A double retry whose halves have a worker between them. */
export const doubleRetryAroundWorker: Scenario = {
  name: "double-retry-around-worker",
  title:
    "Between the two presses a worker gets the new work item and fails; the second press comes before it has counted",
  model,
  program: {
    initial: { runs: [["failed"]] },
    actors: [
      { name: "worker A", operations: [deliver("fails")] },
      { name: "user", operations: [doubleRetry] },
    ],
  },
  timeline: [
    { actor: "user", until: "press retry again" },
    { actor: "worker A", until: "UPDATE run_metadata" }, // has marked the partition, not yet incremented
    { actor: "user" },
    { actor: "worker A" },
  ],
  ends: {
    // The second press takes back a failure that is not counted yet; then it is counted. Option 2's retry is atomic, and
    // still comes between two statements of the worker.
    ...each(["legacy", "option-2-atomic-reset", "option-2-throwing-update", "option-3-advisory-lock"], {
      display: lost,
      breaks: [flags, rows, clamped, desync, status, apart],
    }),
    // Counting anything else than the counter is right here.
    ...each(["option-1a-count-partitions", "option-1b-count-worker-runs"], {
      display: lost,
      breaks: [flags, rows, clamped, apart],
    }),
    // The worker's report is one transaction: the second press waits for the lock that it holds, then takes it back.
    ...each(["option-3-lock-held", "option-3-repaired"], {
      display: { counter: "0", flags: "none", rows: "none" },
      breaks: [],
    }),
    // One transaction, too, but the DELETE does not wait for a row that it cannot see as failed yet: nothing to retry.
    ...each(["option-1a-repaired", "option-1b-repaired", "option-2-repaired"], failedAgain),
    // The second press waits, and then is about an attempt that is over.
    fixed: failedAgain,
  },
};

/** Two halves of a double retry, interleaved. */
export const doubleRetryInterleaved: Scenario = {
  name: "double-retry-interleaved",
  title: "Two partitions have failed; two users retry the same one, the second while the first is half done",
  model,
  program: {
    initial: { runs: [["failed", "failed"]] },
    actors: [
      { name: "user", operations: [retry] },
      { name: "other user", operations: [retry] },
    ],
  },
  timeline: [{ actor: "other user", until: "DELETE FROM worker_runs" }, { actor: "user" }, { actor: "other user" }],
  ends: {
    // As if one user had pressed twice. Neither is a lock of any help where the second does the same as the first.
    ...each(["legacy", "option-3-advisory-lock", "option-3-lock-held"], {
      display: twice,
      breaks: [flags, rows, desync, apart],
    }),
    ...each(["option-1a-count-partitions", "option-1b-count-worker-runs"], {
      display: twice,
      breaks: [flags, rows, apart],
    }),
  },
};
