import type { Ending, Scenario } from "../../src/index.js";
import {
  apart,
  byPieces,
  deliver,
  each,
  flagsAndRows,
  model,
  order,
  redeliver,
  repaired,
  retry,
  rows,
  seenAs,
  unchecked,
} from "./build.js";

/** The worker run is gone, and what is left says that the partition failed: T7 of the analysis. */
export const t7 = each(unchecked, (name) => ({
  display: { counter: "1", flags: "p1 failed", rows: "none" },
  breaks: [rows, flagsAndRows, seenAs(name), apart, order],
}));

/** The retry stands; what the outdated worker reports is dropped. */
export const retryStands: Ending = { display: { counter: "0", flags: "none", rows: "none" }, breaks: [] };

/** T0 to T7 of the analysis, from the first delivery to the desync. */
export const redeliveryDuringRetry: Scenario = {
  name: "redelivery-during-retry",
  title: "The user presses retry while a worker processes the redelivered message (T0 to T7 of the analysis)",
  model,
  program: {
    initial: { runs: [["pending"]] },
    actors: [
      { name: "worker A", operations: [deliver("fails")] },
      { name: "worker B", operations: [redeliver("fails")] },
      { name: "user", operations: [retry] },
    ],
  },
  timeline: [
    { actor: "worker A" }, // T0, T1: starts, fails, abandons
    { actor: "worker B", until: "work" }, // T2 to T4: gets the message again, fetches the worker run of A
    { actor: "user" }, // T5: retry
    { actor: "worker B" }, // T6: fails again
  ],
  ends: {
    // Counting flags (1A) shows the failure that no worker run tells of, counting worker runs (1B) hides it. An atomic
    // retry (2) and a lock (3), even one that is held, cannot help: worker B does not come in between, it comes afterwards.
    ...t7,
    // Option 2's additional protection as it was meant: the update hits nothing and throws, so the tracking is skipped.
    "option-2-throwing-update": byPieces(retryStands),
    ...each(repaired, retryStands),
  },
};
