import type { Json } from "../../src/execution/program.js";
import type { Explanation } from "../../src/explanation/explanation.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";
import { counterexampleOf, failure, passed, rows, waited, type StepSketch } from "./fixtures.js";

// Executions that have something in them which every format must find words for.

const open = { transaction: "open" as const };
const begin: Pick<StepSketch, "text" | "outcome" | "transaction"> = {
  text: "BEGIN",
  outcome: rows("BEGIN", null),
  ...open,
};
const commit = { text: "COMMIT", outcome: rows("COMMIT", null) };
const lock = (id: number) => ({ text: "UPDATE t SET n = n + 1 WHERE id = $1", values: [id] as Json[], ...open });
const ran = (name: string, parameters: Json = null) => ({ name, operations: [{ operation: "run", parameters }] });
const deadlocked = failure("40P01", "deadlock detected");
const broken = (message: string) => [{ invariant: "sums agree", way: "differ", message }];

/** Each of three has what the next one asks for; the last to ask is told so. */
export const threeDeadlock = counterexampleOf({
  actors: [ran("a"), ran("b"), ran("c")],
  steps: [
    { actor: "a", ...begin },
    { actor: "a", ...lock(1), outcome: rows("UPDATE", 1) },
    { actor: "b", ...begin },
    { actor: "b", ...lock(2), outcome: rows("UPDATE", 1) },
    { actor: "c", ...begin },
    { actor: "c", ...lock(3), outcome: rows("UPDATE", 1) },
    {
      actor: "a",
      ...lock(2),
      outcome: rows("UPDATE", 1),
      wait: waited({ holders: ["b"], on: "row (id=2) of t", until: 9 }),
    },
    {
      actor: "b",
      ...lock(3),
      outcome: rows("UPDATE", 1),
      wait: waited({ holders: ["c"], on: "row (id=3) of t", until: 8 }),
    },
    {
      actor: "c",
      ...lock(1),
      outcome: deadlocked,
      transaction: "failed",
      wait: waited({ holders: ["a"], on: "row (id=1) of t", until: 8 }),
    },
    { actor: "b", ...commit },
    { actor: "c", text: "ROLLBACK", outcome: rows("ROLLBACK", null) },
    { actor: "a", ...commit },
  ],
  results: { c: [{ threw: { name: "DatabaseError", message: "deadlock detected", code: "40P01" } }] },
  violations: broken("t sums up to 4, and 6 was expected"),
});

/** A process dies inside a transaction; another one redelivers what it was at. */
export const crash = counterexampleOf({
  actors: [ran("worker"), ran("other")],
  before: { jobs: "1 ready" },
  steps: [
    { actor: "worker", ...begin, display: { jobs: "1 ready" } },
    {
      actor: "worker",
      text: "UPDATE jobs SET state = 'taken' WHERE id = $1",
      values: [1],
      outcome: rows("UPDATE", 1),
      ...open,
      display: { jobs: "1 ready" },
    },
    { actor: "worker", kind: "crash", fault: "crash", text: "COMMIT", outcome: passed, display: { jobs: "1 ready" } },
    { actor: "other", kind: "yield", text: "receive redelivered job 1", outcome: passed, display: { jobs: "1 ready" } },
    {
      actor: "other",
      text: "UPDATE jobs SET state = 'done' WHERE id = $1 AND state = 'taken'",
      values: [1],
      outcome: rows("UPDATE", 0),
      display: { jobs: "1 ready" },
    },
  ],
  results: { worker: [{ crashed: true }] },
  violations: [{ invariant: "every job is done", way: "left", message: "job 1 is ready, and nobody will take it" }],
});

/** COMMIT does its work, but nobody hears of it: so it is done again. */
export const lostCommit = counterexampleOf({
  actors: [ran("payer", { amount: 10 })],
  before: { balance: "100" },
  steps: [
    { actor: "payer", ...begin, display: { balance: "100" } },
    {
      actor: "payer",
      text: "UPDATE account SET balance = balance - $1",
      values: [10],
      outcome: rows("UPDATE", 1),
      ...open,
      display: { balance: "100" },
    },
    {
      actor: "payer",
      text: "COMMIT",
      fault: "lost answer",
      outcome: failure(null, "Connection terminated unexpectedly"),
      display: { balance: "90" },
    },
    { actor: "payer", session: "payer#2", ...begin, display: { balance: "90" } },
    {
      actor: "payer",
      session: "payer#2",
      text: "UPDATE account SET balance = balance - $1",
      values: [10],
      outcome: rows("UPDATE", 1),
      ...open,
      display: { balance: "90" },
    },
    { actor: "payer", session: "payer#2", ...commit, display: { balance: "80" } },
  ],
  violations: [{ invariant: "paid once", way: "twice", message: "10 was to be paid, and 20 was" }],
});

/** One waits, is refused for what the other one did meanwhile, and waits again when it tries again. */
export const retried = counterexampleOf({
  actors: [ran("a"), ran("b")],
  steps: [
    { actor: "a", text: "BEGIN ISOLATION LEVEL REPEATABLE READ", outcome: rows("BEGIN", null), ...open },
    { actor: "a", text: "SELECT n FROM t WHERE id = 1", outcome: rows("SELECT", 1, [{ n: 0 }]), ...open },
    { actor: "b", ...begin },
    { actor: "b", ...lock(1), outcome: rows("UPDATE", 1) },
    {
      actor: "a",
      ...lock(1),
      outcome: failure("40001", "could not serialize access due to concurrent update"),
      transaction: "failed",
      wait: waited({ holders: ["b"], on: "row (id=1) of t", until: 5 }),
    },
    { actor: "b", ...commit },
    { actor: "b", operation: 1, ...begin },
    { actor: "b", operation: 1, ...lock(1), outcome: rows("UPDATE", 1) },
    { actor: "a", text: "ROLLBACK", outcome: rows("ROLLBACK", null) },
    { actor: "a", text: "BEGIN ISOLATION LEVEL REPEATABLE READ", outcome: rows("BEGIN", null), ...open },
    {
      actor: "a",
      ...lock(1),
      outcome: rows("UPDATE", 1),
      wait: waited({ holders: ["b"], on: "row (id=1) of t", until: 11 }),
    },
    { actor: "b", operation: 1, ...commit },
    { actor: "a", ...commit },
  ],
  violations: broken("n is 3, and 2 was expected"),
});

const poll: StepSketch = {
  actor: "worker",
  text: "SELECT state FROM job WHERE id = $1",
  values: [1],
  outcome: rows("SELECT", 1, [{ state: "queued" }]),
};
const settings = (name: string): StepSketch => ({
  actor: "worker",
  text: "SELECT value FROM setting WHERE name = $1",
  values: [name],
  outcome: rows("SELECT", 1, [{ value: 3 }]),
  display: { job: "queued" },
});
const pause: StepSketch = { actor: "worker", kind: "yield", text: "sleep", outcome: passed };
const polled = counterexampleOf({
  actors: [ran("worker"), ran("user")],
  before: { job: "queued" },
  steps: [
    settings("retries"),
    settings("timeout"),
    { ...settings("colour"), ...open, text: "BEGIN", values: [], outcome: rows("BEGIN", null) },
    settings("batch"),
    { ...settings(""), text: "COMMIT", values: [], outcome: rows("COMMIT", null) },
    ...Array.from({ length: 4 }, () => [poll, pause]).flat(),
    poll,
    { actor: "user", text: "DELETE FROM job", outcome: rows("DELETE", 1), display: { job: "none" } },
    { actor: "worker", text: "UPDATE job SET state = 'done'", outcome: rows("UPDATE", 0), display: { job: "none" } },
  ],
  violations: broken("a job was forgotten"),
});

/** Most of its steps tell nothing: settings that nobody changes, and a loop. */
export const polling: Counterexample = {
  ...polled,
  explanation: {
    sites: polled.trace.steps.map(() => null),
    sources: [],
    views: [],
    edges: [
      { from: 5, to: 14, reason: "one deletes what the other reads" },
      { from: 7, to: 14, reason: "one deletes what the other reads" },
      { from: 9, to: 14, reason: "one deletes what the other reads" },
      { from: 11, to: 14, reason: "one deletes what the other reads" },
      { from: 13, to: 14, reason: "one deletes what the other reads" },
    ],
    stale: [
      {
        read: 13,
        since: 14,
        write: 14,
        used: 15,
        before: { rowCount: 1, rows: [{ state: "queued" }] },
        after: { rowCount: 0, rows: [] },
      },
    ],
    swap: { tried: 1, passing: null },
  },
};

/** As long as they come before they are shrunk. */
export function long(steps: number): Counterexample {
  const actors = ["alice", "bob", "carol"];
  const story = counterexampleOf({
    actors: actors.map((name) => ran(name)),
    before: { n: "0" },
    steps: Array.from({ length: steps }, (_, index): StepSketch => {
      const actor = actors[Math.floor(index / 4) % 3]!;
      const kind = index % 4;
      const n = String(Math.floor(index / 4) + 1);
      const seen = { display: { n: kind === 3 ? n : String(Math.floor(index / 4)) } };
      if (kind === 0) return { actor, ...begin, ...seen };
      if (kind === 1)
        return {
          actor,
          text: "SELECT n FROM t WHERE id = $1",
          values: [1],
          outcome: rows("SELECT", 1, [{ n }]),
          ...open,
          ...seen,
        };
      return kind === 2 ? { actor, ...lock(1), outcome: rows("UPDATE", 1), ...seen } : { actor, ...commit, ...seen };
    }),
    violations: broken("n is wrong"),
  });
  const explanation: Explanation = {
    sites: story.trace.steps.map(({ index }) => ({ file: "src/count.ts", line: 3 + (index % 4), function: "count" })),
    sources: [
      {
        file: "src/count.ts",
        from: 1,
        lines: [
          "export async function count() {",
          "  // …",
          "  await begin();",
          "  await read();",
          "  await write();",
          "  await commit();",
          "}",
        ],
      },
    ],
    views: [
      { committed: { t: [{ id: 1, n: 0 }] } },
      ...story.trace.steps.map(({ index }) =>
        index % 4 === 3 ? { committed: { t: [{ id: 1, n: (index + 1) / 4 }] } } : {},
      ),
    ],
    edges: story.trace.steps
      .filter(({ index }) => index % 4 === 3 && index + 3 < steps)
      .map(({ index }) => ({ from: index, to: index + 2, reason: "one publishes t.n, which the other reads" })),
    stale: [],
    swap: null,
  };
  return { ...story, explanation };
}

/** Text that tries to break out, in all that running it again told. */
export function withNastyExplanation(story: Counterexample, nasty: string): Counterexample {
  const { steps, operations } = story.trace;
  return {
    ...story,
    original: [...steps, ...steps].map(({ actor, session, kind }) => ({ actor, session, kind, text: nasty })),
    explanation: {
      sites: steps.map(() => ({ file: nasty, line: 1, function: nasty })),
      sources: [{ file: nasty, from: 1, lines: [nasty, nasty] }],
      views: [
        { committed: { [nasty]: [{ [nasty]: nasty }] } },
        ...steps.map((_, index) => ({
          committed: { [nasty]: [{ [nasty]: `${nasty} ${index}` }] },
          sessions: { [nasty]: { [nasty]: [{ [nasty]: null }] } },
        })),
      ],
      edges: [{ from: 0, to: 1, reason: nasty }],
      stale: [
        {
          read: 0,
          since: 1,
          write: null,
          used: 3,
          before: { rowCount: 1, rows: [{ [nasty]: nasty }] },
          after: { rowCount: 1, rows: [{ [nasty]: 2 }] },
        },
      ],
      swap: { tried: 3, passing: { first: 0, second: 1, reason: nasty, breaks: [nasty], steps, operations } },
    },
  };
}

export const stories = { threeDeadlock, crash, lostCommit, retried, polling };
