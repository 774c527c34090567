import type { Scenario } from "../../src/index.js";
import { byPieces, each, model, redeliver, torn, viewRun } from "./build.js";

const program = {
  initial: { runs: [["failed"]] },
  actors: [
    { name: "worker A", operations: [redeliver("succeeds")] },
    { name: "dashboard", operations: [viewRun] },
  ],
};
const end = { display: { counter: "0", flags: "p1 completed", rows: "p1 completed" }, breaks: [torn] };

/**
 * `Promise.all` over a pool: each query has a connection, and so a snapshot, of its own. (Those whose answer is one
 * statement have no place where it could be torn, and so no ending here.)
 */
export const tornReads: readonly Scenario[] = [
  {
    name: "torn-read",
    title: "A worker succeeds between the two queries of one answer: one failed worker, above a table with none",
    model,
    program,
    timeline: [
      { actor: "dashboard", until: "SELECT * FROM worker_runs" },
      { actor: "worker A" },
      { actor: "dashboard" },
    ],
    ends: {
      ...each(
        [
          "legacy",
          "option-1b-count-worker-runs",
          "option-2-atomic-reset",
          "option-2-throwing-update",
          "option-3-advisory-lock",
        ],
        byPieces(end),
      ),
      // All that it writes is one COMMIT, and its dashboard still reads in pieces.
      "option-3-lock-held": end,
    },
  },
  {
    name: "torn-read-of-flags",
    title: "The same for option 1A, between the table and the count that phase 2 adds: no failed worker, above one",
    model,
    program,
    timeline: [{ actor: "dashboard", until: "SELECT COUNT(*) FILTER" }, { actor: "worker A" }, { actor: "dashboard" }],
    ends: each(["option-1a-count-partitions"], byPieces(end)),
  },
];
