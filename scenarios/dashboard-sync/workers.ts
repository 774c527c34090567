import type { Ending, Scenario } from "../../src/index.js";
import {
  allEndIn,
  apart,
  both,
  byPieces,
  clamped,
  completed,
  deliver,
  desync,
  each,
  expire,
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

const failed: Ending = { display: { counter: "1", flags: "p1 failed", rows: "p1 failed" }, breaks: [] };
const succeeded: Ending = { display: { counter: "0", flags: "p1 completed", rows: "p1 completed" }, breaks: [] };

/** The flags say completed, the worker run says failed. */
const contradiction = {
  display: { counter: "0", flags: "p1 completed", rows: "p1 failed" },
  breaks: [rows, flagsAndRows, completed, both, apart, order],
};

/** What several workers do to one partition, or a worker and a user to each other, without any statement torn apart. */
export const workerScenarios: readonly Scenario[] = [
  {
    name: "expired-lock-success-then-failure",
    title: "The lock expires while worker A is at work; worker B gets the message and succeeds; then worker A fails",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails")] },
        { name: "worker B", operations: [redeliver("succeeds")] },
        { name: "broker", operations: [expire] },
      ],
    },
    timeline: [{ actor: "worker A", until: "work" }, { actor: "broker" }, { actor: "worker B" }, { actor: "worker A" }],
    ends: {
      // Both report on one worker run, and the last one wins there; the flags refuse a failure after a success.
      ...each(unchecked, (name) => ({ ...contradiction, breaks: [...contradiction.breaks, seenAs(name)] })),
      // Option 2 as it was meant checks that the worker run exists. It does.
      "option-2-throwing-update": { ...contradiction, breaks: [...contradiction.breaks, desync] },
      // A completed worker run stays completed.
      ...each(repaired, succeeded),
    },
  },
  {
    name: "expired-lock-failure-then-success",
    title: "The lock expires while worker A is at work; worker B gets the message and fails; then worker A succeeds",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("succeeds")] },
        { name: "worker B", operations: [redeliver("fails")] },
        { name: "broker", operations: [expire] },
      ],
    },
    timeline: [{ actor: "worker A", until: "work" }, { actor: "broker" }, { actor: "worker B" }, { actor: "worker A" }],
    // A success takes the failure back, in everybody's code.
    ends: allEndIn(succeeded),
  },
  {
    name: "stale-success-over-retry",
    title: "A worker is at work while the user retries; the new work item fails; then the outdated worker succeeds",
    model,
    program: {
      initial: { runs: [["failed"]] },
      actors: [
        { name: "worker A", operations: [redeliver("succeeds")] },
        { name: "worker B", operations: [deliver("fails")] },
        { name: "user", operations: [retry] },
      ],
    },
    timeline: [{ actor: "worker A", until: "work" }, { actor: "user" }, { actor: "worker B" }, { actor: "worker A" }],
    ends: {
      // Worker A's worker run is gone, so its success reaches only the flags and counters, over the retry's outcome.
      ...each(unchecked, (name) => ({ ...contradiction, breaks: [...contradiction.breaks, seenAs(name)] })),
      // What worker A reports is dropped; the retry's outcome stands.
      "option-2-throwing-update": byPieces(failed),
      ...each(repaired, failed),
    },
  },
  {
    name: "retry-of-another-partition",
    title: "The user retries partition 1 while a worker is about to count the failure of partition 2",
    model,
    program: {
      initial: { runs: [["failed", "pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails", 2)] },
        { name: "user", operations: [retry] },
      ],
    },
    timeline: [{ actor: "worker A", until: "UPDATE run_metadata" }, { actor: "user" }, { actor: "worker A" }],
    // Only the counter is shared, and `failed_workers + 1` is computed by the statement that holds the row.
    ends: allEndIn({ display: { counter: "1", flags: "p2 failed", rows: "p2 failed" }, breaks: [] }),
  },
  {
    name: "retry-between-update-and-mark",
    title: "The first failure: the user retries after the worker run is updated and before the partition is marked",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails")] },
        { name: "user", operations: [retry] },
      ],
    },
    timeline: [{ actor: "worker A", until: "UPDATE partition_progress" }, { actor: "user" }, { actor: "worker A" }],
    ends: {
      // The retry deletes the worker run and takes back what is not marked or counted yet; then it is marked and counted.
      ...each(
        ["legacy", "option-1a-count-partitions", "option-1b-count-worker-runs", "option-3-advisory-lock"],
        (name) => ({
          display: { counter: "1", flags: "p1 failed", rows: "none" },
          breaks: [rows, flagsAndRows, clamped, seenAs(name), apart, order],
        }),
      ),
      // Option 2 is no better: its check is over by then, and what follows it is not in its transaction.
      ...each(["option-2-atomic-reset", "option-2-throwing-update"], {
        display: { counter: "1", flags: "p1 failed", rows: "none" },
        breaks: [rows, flagsAndRows, clamped, desync, apart, order],
      }),
      // The update is not committed before the rest: the page shows no failure yet.
      "option-3-lock-held": failed,
      ...each(repaired, failed),
    },
  },
  {
    name: "dead-letter",
    title: "A message fails three times and is dead-lettered; the user retries, and the new work item succeeds",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [
        { name: "worker A", operations: [deliver("fails"), redeliver("fails"), redeliver("fails")] },
        { name: "user", operations: [retry] },
        { name: "worker B", operations: [deliver("succeeds")] },
      ],
    },
    timeline: [{ actor: "worker A" }, { actor: "user" }, { actor: "worker B" }],
    ends: allEndIn(succeeded),
  },
];
