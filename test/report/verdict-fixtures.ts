import type { ImplementationVerdict, VerdictFile } from "../../src/explore/verdict.js";

const legacy: ImplementationVerdict = {
  name: "legacy",
  condition: "read committed",
  expected: { violates: ["counter = failed rows", "flags = failed rows"] },
  verdict: "violates",
  asExpected: true,
  strategies: { urw: 10_000 },
  exhausted: { programs: 0, executions: 0, orders: 0 },
  claim: "2 ways to break it in 10,000 urw schedules of 200 programs",
  strategy: "urw",
  seed: "7/legacy",
  violations: [
    {
      signature: "counter = failed rows: counter above rows; flags = failed rows: flag without row",
      violations: [
        {
          invariant: "counter = failed rows",
          way: "counter above rows",
          message: "run-1: failed_workers is 1, but 0 rows of worker_runs are failed",
        },
        {
          invariant: "flags = failed rows",
          way: "flag without row",
          message: "run-1: partition p1 is marked failed, but has no row in worker_runs",
        },
      ],
      operations: 2,
      faults: 0,
      steps: 7,
      switches: 2,
      seen: 812,
      counterexample: "reports/dashboard-sync.legacy.counter-failed-rows-counter-above-rows.json",
    },
    {
      signature: "counter = failed rows: counter below rows",
      violations: [
        {
          invariant: "counter = failed rows",
          way: "counter below rows",
          message: "run-1: failed_workers is 0, but 1 row of worker_runs is failed",
        },
      ],
      faults: 0,
      operations: 3,
      steps: 9,
      switches: 0,
      seen: 1,
      counterexample: null,
    },
  ],
  problems: [],
  seconds: 12.34,
  programs: 200,
  executions: 10_000,
  distinctSchedules: 9_112,
  steps: 121_033,
  decisions: 98_441,
  contextSwitches: 41_207,
  preemptions: 30_118,
  lockWaits: 312,
  deadlocks: 4,
  pctBounds: {},
  overlaps: { "deliver × redeliver": 812, "redeliver × retry": 1_312, "retry × retry": 0 },
};

const fixed: ImplementationVerdict = {
  ...legacy,
  name: "fixed",
  expected: "holds",
  verdict: "inconclusive",
  asExpected: false,
  claim: "nothing broke in 40 executions, but 3 of them did not count",
  violations: [],
  problems: [
    { message: "the statement of worker B neither answered nor waited for a lock within 5000 ms", times: 2 },
    { message: "connection terminated unexpectedly", times: 1 },
  ],
  programs: 1,
  executions: 40,
  distinctSchedules: 40,
  steps: 410,
  decisions: 320,
  contextSwitches: 160,
  preemptions: 120,
  lockWaits: 0,
  deadlocks: 0,
  pctBounds: {},
  overlaps: {},
};

/** One as expected, one not, with everything that can be said of either. */
export const mixed: VerdictFile = {
  schema: "raceproof/verdict@1",
  raceproof: "0.1.0",
  model: "dashboard-sync",
  seed: "7",
  postgres: { version: "18.0", kind: "embedded", settings: { deadlock_timeout: "10ms" } },
  asExpected: false,
  interrupted: true,
  invariants: [{ name: "counter = failed rows", when: "quiescence" }],
  implementations: [legacy, fixed],
  claims: [],
  seconds: 125.2,
};

/** What most runs end with. */
export const green: VerdictFile = {
  ...mixed,
  asExpected: true,
  interrupted: false,
  implementations: [
    {
      ...fixed,
      verdict: "holds",
      asExpected: true,
      claim: "all 1,260 orders of this program, in 48 executions",
      problems: [],
      lockWaits: 3,
      overlaps: { "redeliver × retry": 48 },
    },
  ],
  seconds: 3.2,
};

const nasty = "a|b `c` <script>x</script> \u001b[31mred \u0000 \r\n \u202Eevil **x** 表示 👩‍👩‍👧‍👦";

/** Hostile text wherever a model or Postgres can put some. */
export const hostileVerdict: VerdictFile = {
  ...mixed,
  model: nasty,
  seed: nasty,
  invariants: [{ name: nasty, when: "every commit" }],
  claims: [
    { topic: nasty, where: nasty, implementations: [nasty], invariants: [nasty], verdict: "holds", broken: [] },
    {
      topic: nasty,
      where: nasty,
      implementations: [nasty],
      invariants: [nasty],
      verdict: "violates",
      broken: [
        {
          implementation: nasty,
          invariant: nasty,
          condition: "serializable",
          operations: 1,
          faults: 1,
          switches: 1,
          counterexample: nasty,
        },
      ],
    },
  ],
  implementations: mixed.implementations.map((implementation) => ({
    ...implementation,
    name: nasty,
    expected: { violates: [nasty] },
    claim: nasty,
    problems: [{ message: nasty, times: 2 }],
    overlaps: { [nasty]: 2 },
    violations: [
      {
        signature: nasty,
        violations: [{ invariant: nasty, way: nasty, message: nasty }],
        operations: 1,
        faults: 1,
        steps: 1,
        switches: 1,
        seen: 1,
        counterexample: nasty,
      },
    ],
  })),
};

const matrixRow = { ...legacy, programs: 20, executions: 400, distinctSchedules: 312, problems: [] };

/** Several implementations under several conditions, and what is claimed of them. */
export const matrix: VerdictFile = {
  ...mixed,
  interrupted: false,
  asExpected: true,
  invariants: [
    { name: "counter = failed rows", when: "quiescence" },
    { name: "flags = failed rows", when: "quiescence" },
    { name: "readers agree", when: "every commit" },
  ],
  implementations: [
    { ...matrixRow, asExpected: true, expected: "violates" },
    {
      ...matrixRow,
      condition: "read committed, with faults",
      asExpected: true,
      expected: "violates",
      violations: [
        ...matrixRow.violations.slice(1),
        {
          signature: "readers agree: apart, for a moment",
          violations: [{ invariant: "readers agree", way: "apart, for a moment", message: "1 and 0" }],
          operations: 1,
          faults: 1,
          steps: 4,
          switches: 0,
          seen: 3,
          counterexample: "reports/dashboard-sync.legacy.readers-agree.json",
        },
      ],
    },
    { ...fixed, verdict: "holds", asExpected: true, problems: [], condition: "serializable" },
  ],
  claims: [
    {
      topic: "no race conditions possible",
      where: "Approach 1A",
      implementations: ["legacy", "fixed"],
      invariants: ["counter = failed rows", "readers agree"],
      verdict: "violates",
      broken: [
        {
          implementation: "legacy",
          invariant: "counter = failed rows",
          condition: "read committed",
          operations: 2,
          faults: 0,
          switches: 2,
          counterexample: null,
        },
        {
          implementation: "fixed",
          invariant: "readers agree",
          condition: "serializable",
          operations: 1,
          faults: 1,
          switches: 1,
          counterexample: null,
        },
      ],
    },
    {
      topic: "always consistent",
      where: "Approach 1A",
      implementations: ["fixed"],
      invariants: [],
      verdict: "holds",
      broken: [],
    },
    {
      topic: "never",
      where: "nowhere",
      implementations: ["fixed"],
      invariants: [],
      verdict: "inconclusive",
      broken: [],
    },
  ],
};

/** Many rows, one of which is not as expected. */
const long: VerdictFile = {
  ...matrix,
  asExpected: false,
  implementations: [1, 2, 3, 4].flatMap((number) =>
    matrix.implementations.map((row, index) => ({
      ...row,
      name: `${row.name}-variant-${number}`,
      expected: { violates: ["counter = failed rows", "readers agree", "one", "two", "three"] },
      asExpected: number > 1 || index > 0,
    })),
  ),
};

export const verdicts = { mixed, green, matrix, long, hostile: hostileVerdict };
