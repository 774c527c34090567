import type { Scenario } from "../../src/index.js";
import { deliver, model, redeliver, retry, rows } from "./build.js";

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
    // T7, the desync state: counter 1, flag true, no row.
    legacy: { display: { counter: "1", flags: "p1 failed", rows: "none" }, breaks: [rows] },
    // The retry stands; what the outdated worker reports is dropped.
    fixed: { display: { counter: "0", flags: "none", rows: "none" }, breaks: [] },
  },
};
