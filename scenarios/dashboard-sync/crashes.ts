import type { Scenario } from "../../src/index.js";
import {
  apart,
  byPieces,
  deliver,
  desync,
  each,
  everyone,
  flags,
  handleDeadLetter,
  model,
  piecemeal,
  redeliver,
  repaired,
  retry,
  rows,
  status,
  stuck,
} from "./build.js";

const uncounted = { counter: "0", flags: "p1 failed", rows: "p1 failed" };
const notBegun = { counter: "0", flags: "none", rows: "none" };

/** What a process leaves behind that dies in the middle. */
export const crashes: readonly Scenario[] = [
  {
    name: "crash-between-mark-and-increment",
    title: "A worker's process dies after it marked the partition as failed, before it counted the failure",
    model,
    program: {
      initial: { runs: [["pending"]] },
      actors: [{ name: "worker A", operations: [deliver("fails")] }],
      faults: [{ actor: "worker A", kind: "crash" }],
    },
    timeline: [{ actor: "worker A", until: "UPDATE run_metadata", fault: "crash" }],
    ends: {
      // No redelivery will count it: the partition is marked, so the next failure is not the first.
      ...each(piecemeal, { display: uncounted, breaks: [flags, rows, desync, status, apart] }),
      ...each(["option-1a-count-partitions", "option-1b-count-worker-runs"], {
        display: uncounted,
        breaks: [flags, rows, apart],
      }),
      // Postgres rolls the whole report back, and the message comes back.
      ...each([...repaired, "option-3-lock-held"], { display: { ...notBegun, rows: "p1 running" }, breaks: [] }),
    },
  },
  {
    name: "crash-between-reset-and-send",
    title: "The last delivery fails, the user retries, and the API's process dies before it has sent the new work item",
    model,
    program: {
      initial: { runs: [["last delivery"]] },
      actors: [
        { name: "worker A", operations: [redeliver("fails")] },
        { name: "user", operations: [retry] },
      ],
      faults: [{ actor: "user", kind: "crash" }],
    },
    timeline: [{ actor: "worker A" }, { actor: "user", until: "send work item r1/p1", fault: "crash" }],
    ends: {
      // No failure that anybody could retry, and no message: the partition waits for ever.
      ...each(everyone, { display: notBegun, breaks: [stuck] }),
      ...each(piecemeal, byPieces({ display: notBegun, breaks: [stuck] })),
      // The work item is written by the transaction that reset the worker, and will be sent from there.
      ...each(["fixed", "fixed-without-lock"], { display: notBegun, breaks: [] }),
    },
  },
  {
    name: "last-delivery-crashes",
    title: "The process of the last worker to get the message dies: it is dead-lettered, and nobody reported a failure",
    model,
    program: {
      initial: { runs: [["last delivery"]] },
      actors: [
        { name: "worker A", operations: [redeliver("fails")] },
        { name: "back office", operations: [handleDeadLetter] },
        { name: "user", operations: [retry] },
        { name: "worker B", operations: [deliver("succeeds")] },
      ],
      faults: [{ actor: "worker A", kind: "crash" }],
    },
    timeline: [
      { actor: "worker A", until: "work", fault: "crash" },
      { actor: "back office" },
      { actor: "user" },
      { actor: "worker B" },
    ],
    ends: {
      // Running for ever: there is no failure on the page that anybody could retry.
      ...each(everyone, { display: { ...notBegun, rows: "p1 running" }, breaks: [stuck] }),
      // The dead letter is reported as a failure, and the user retries it.
      ...each(["fixed", "fixed-without-lock"], {
        display: { counter: "0", flags: "p1 completed", rows: "p1 completed" },
        breaks: [],
      }),
    },
  },
];
