import type { Scenario } from "../../src/index.js";
import { allEndIn, byPieces, clamped, deliver, doubleRetry, each, model, redeliver, repaired, retry } from "./build.js";
import { retryStands, t7 } from "./redelivery-during-retry.js";

const completed = { display: { counter: "0", flags: "p1 completed", rows: "p1 completed" }, breaks: [] };
const failedOnce = { display: { counter: "1", flags: "p1 failed", rows: "p1 failed" }, breaks: [] };

/** The four "Testing Scenarios" at the end of the analysis. */
export const testingScenarios: readonly Scenario[] = [
  {
    name: "testing-1-failure-and-retry",
    title: "Normal failure and retry: a worker fails, the user retries, a worker succeeds",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails")] },
        { name: "user", operations: [retry] },
        { name: "worker B", operations: [deliver("succeeds")] },
      ],
    },
    timeline: [{ actor: "worker A" }, { actor: "user" }, { actor: "worker B" }],
    ends: allEndIn(completed),
  },
  {
    name: "testing-2-double-retry",
    title: "Double retry: a worker fails, the user retries twice quickly; the counter must not go below zero",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails")] },
        { name: "user", operations: [doubleRetry] },
      ],
    },
    timeline: [{ actor: "worker A" }, { actor: "user" }],
    ends: {
      // It does not go below zero, but only because GREATEST hides that it was decremented there.
      ...each(
        ["legacy", "option-1a-count-partitions", "option-1b-count-worker-runs", "option-3-advisory-lock"],
        byPieces({ ...retryStands, breaks: [clamped] }),
      ),
      "option-3-lock-held": { ...retryStands, breaks: [clamped] },
      // Option 2 finds no failed worker run the second time.
      ...each(["option-2-atomic-reset", "option-2-throwing-update"], byPieces(retryStands)),
      ...each(repaired, retryStands),
    },
  },
  {
    name: "testing-3-retry-against-redelivery",
    title:
      "Concurrent retry and failure: a worker has failed, and the user retries while the redelivered message is processed",
    model,
    program: {
      initial: { runs: [["failed"]] },
      actors: [
        { name: "worker B", operations: [redeliver("fails")] },
        { name: "user", operations: [retry] },
      ],
    },
    timeline: [{ actor: "worker B", until: "work" }, { actor: "user" }, { actor: "worker B" }],
    // As in the timeline T0 to T7.
    ends: { ...t7, "option-2-throwing-update": retryStands, ...each(repaired, retryStands) },
  },
  {
    name: "testing-4-several-failures",
    title: "Multiple failures on the same partition: a worker fails several times before a retry; it counts once",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails"), redeliver("fails")] },
        { name: "worker B", operations: [redeliver("fails")] },
      ],
    },
    timeline: [{ actor: "worker A" }, { actor: "worker B" }],
    ends: allEndIn(failedOnce),
  },
];
