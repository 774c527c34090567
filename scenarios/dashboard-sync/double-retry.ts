import type { Scenario } from "../../src/index.js";
import { doubleRetry, flags, model, rows } from "./build.js";

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
    legacy: { display: { counter: "0", flags: "p2 failed", rows: "p2 failed" }, breaks: [flags, rows] },
    fixed: { display: { counter: "1", flags: "p2 failed", rows: "p2 failed" }, breaks: [] },
  },
};
