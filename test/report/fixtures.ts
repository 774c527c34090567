import type { Json, OperationCall } from "../../src/execution/program.js";
import type { OperationRecord, Outcome, Step, Wait } from "../../src/execution/trace.js";
import type { Violation } from "../../src/oracle/violation.js";
import { signatureOf } from "../../src/oracle/violation.js";
import type { Counterexample } from "../../src/shrink/counterexample.js";

type Display = Readonly<Record<string, string>>;

/** A step in short: everything that is not said is as for a statement outside of a transaction in the first operation. */
export type StepSketch = Pick<Step, "actor" | "text" | "outcome"> & Partial<Step>;

interface Sketch {
  readonly implementation?: string;
  readonly initial?: Json;
  readonly actors: readonly { readonly name: string; readonly operations: readonly OperationCall[] }[];
  readonly steps: readonly StepSketch[];
  readonly before?: Display;
  readonly results?: Readonly<Record<string, readonly OperationRecord["result"][]>>;
  readonly violations: readonly Violation[];
  readonly state?: Counterexample["trace"]["state"];
}

/** A whole counterexample of a sketch: operations, schedule and sizes follow from the steps. */
export function counterexampleOf(sketch: Sketch): Counterexample {
  const steps = sketch.steps.map(stepOf);
  const operations = sketch.actors.flatMap(({ name, operations }) =>
    operations.map((call, index): OperationRecord => {
      const own = steps
        .filter(({ actor, operation }) => actor === name && operation === index)
        .map(({ index }) => index);
      const [first, last] = [own[0], own.at(-1)];
      return {
        ...call,
        actor: name,
        index,
        steps: first === undefined || last === undefined ? null : [first, last],
        result: sketch.results?.[name]?.[index] ?? { returned: null },
      };
    }),
  );
  const schedule = steps.flatMap((step, index) => {
    const before = steps[index - 1];
    return before === undefined || before.session === step.session ? [] : [{ step: index, to: step.session }];
  });
  const to = {
    actors: sketch.actors.length,
    operations: operations.length,
    faults: steps.filter(({ fault }) => fault !== undefined).length,
    steps: steps.length,
    preemptions: schedule.length,
    switches: schedule.length,
  };
  return {
    schema: "raceproof/counterexample@1",
    model: { name: "dashboard-sync", module: null },
    implementation: sketch.implementation ?? "legacy",
    condition: "read committed",
    signature: signatureOf(sketch.violations),
    violations: sketch.violations,
    program: { initial: sketch.initial ?? null, actors: sketch.actors },
    schedule,
    trace: {
      steps,
      operations,
      schedule,
      state: sketch.state ?? {},
      ...(sketch.before === undefined ? {} : { displayBefore: sketch.before }),
    },
    seed: "7",
    shrink: {
      from: { actors: 3, operations: 6, faults: 0, preemptions: 9, steps: 41, switches: 17 },
      to,
      minimality: { kind: "proved", runs: 23 },
      executions: 57,
    },
    confirmed: { reproduced: 10, times: 10 },
    environment: {
      raceproof: "0.1.0",
      postgres: { version: "18.0", kind: "embedded", settings: { deadlock_timeout: "10ms", fsync: "off" } },
    },
  };
}

function stepOf(sketch: StepSketch, index: number): Step {
  return {
    index,
    session: sketch.actor,
    operation: 0,
    kind: "statement",
    values: [],
    wait: null,
    transaction: "none",
    ...sketch,
  };
}

export function rows(command: string, rowCount: number | null, rows?: readonly Json[]): Outcome {
  return { kind: "rows", command, rowCount, ...(rows === undefined ? {} : { rows }) };
}

export function failure(code: string | null, message: string): Outcome {
  return { kind: "error", code, message };
}

export function waited(wait: Partial<Wait>): Wait {
  return { holders: [], lock: "ShareLock on transaction 727", on: null, until: null, ...wait };
}

export const passed: Outcome = { kind: "passed" };

function seen(counter: string, flags: string, rows: string): { display: Display } {
  return { display: { counter, flags, rows } };
}

/** The timeline of the analysis: a message is redelivered, and the partition retried while that is being worked on. */
export const redelivery = counterexampleOf({
  initial: { runs: [{ run: 1, partitions: 1 }], failed: ["run 1, partition 1"] },
  actors: [
    {
      name: "worker B",
      operations: [{ operation: "redeliver", parameters: { run: 1, partition: 1, outcome: "fail" } }],
    },
    { name: "user", operations: [{ operation: "retry", parameters: { run: 1, partition: 1 } }] },
  ],
  before: { counter: "1", flags: "p1", rows: "p1 failed" },
  steps: [
    {
      actor: "worker B",
      text: `SELECT * FROM worker_runs
              WHERE run_id = $1 AND partition_id = $2`,
      values: ["run-1", "p1"],
      outcome: rows("SELECT", 1, [
        {
          id: 7,
          run_id: "run-1",
          partition_id: "p1",
          status: "failed",
          error_message: "timeout after 30 s",
          records: 0,
        },
      ]),
      ...seen("1", "p1", "p1 failed"),
    },
    {
      actor: "user",
      text: "DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2 AND status = 'failed'",
      values: ["run-1", "p1"],
      outcome: rows("DELETE", 1),
      ...seen("1", "p1", "none"),
    },
    {
      actor: "user",
      text: `UPDATE partition_progress
                SET failed = FALSE, updated_at = NOW()
              WHERE run_id = $1 AND partition_id = $2`,
      values: ["run-1", "p1"],
      outcome: rows("UPDATE", 1),
      ...seen("1", "none", "none"),
    },
    {
      actor: "user",
      text: "UPDATE run_metadata SET failed_workers = GREATEST(0, failed_workers - 1) WHERE run_id = $1",
      values: ["run-1"],
      outcome: rows("UPDATE", 1),
      ...seen("0", "none", "none"),
    },
    {
      actor: "worker B",
      text: "UPDATE worker_runs SET status = $2, error_message = $3, completed_at = NOW() WHERE id = $1",
      values: [7, "failed", "timeout after 30 s"],
      outcome: rows("UPDATE", 0),
      ...seen("0", "none", "none"),
    },
    {
      actor: "worker B",
      text: `UPDATE partition_progress SET failed = TRUE, updated_at = NOW()
             WHERE run_id = $1 AND partition_id = $2 AND failed = FALSE AND completed = FALSE
             RETURNING TRUE AS marked`,
      values: ["run-1", "p1"],
      outcome: rows("UPDATE", 1, [{ marked: true }]),
      ...seen("0", "p1", "none"),
    },
    {
      actor: "worker B",
      text: "UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1",
      values: ["run-1"],
      outcome: rows("UPDATE", 1),
      ...seen("1", "p1", "none"),
    },
  ],
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
  state: { worker_runs: [], run_metadata: [{ run_id: "run-1", failed_workers: 1 }] },
});

/** Two workers count at once, in transactions: one waits for the other's row lock, and then loses nothing. */
export const lockWait = counterexampleOf({
  implementation: "locked",
  initial: { runs: 1 },
  actors: [
    { name: "worker A", operations: [{ operation: "fail", parameters: { run: 1, partition: 1 } }] },
    { name: "user", operations: [{ operation: "retry", parameters: { run: 1, partition: 2 } }] },
  ],
  before: { counter: "1", rows: "p2 failed" },
  steps: [
    {
      actor: "worker A",
      text: "BEGIN",
      outcome: rows("BEGIN", null),
      transaction: "open",
      display: { counter: "1", rows: "p2 failed" },
    },
    {
      actor: "user",
      text: "BEGIN",
      outcome: rows("BEGIN", null),
      transaction: "open",
      display: { counter: "1", rows: "p2 failed" },
    },
    {
      actor: "user",
      text: "UPDATE run_metadata SET failed_workers = failed_workers - 1 WHERE run_id = $1",
      values: [1],
      outcome: rows("UPDATE", 1),
      transaction: "open",
      display: { counter: "1", rows: "p2 failed" },
    },
    {
      actor: "worker A",
      text: "UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1",
      values: [1],
      outcome: rows("UPDATE", 1),
      wait: waited({ holders: ["user"], on: "row (run_id=1) of run_metadata", until: 4 }),
      transaction: "open",
      display: { counter: "1", rows: "p2 failed" },
    },
    { actor: "user", text: "COMMIT", outcome: rows("COMMIT", null), display: { counter: "0", rows: "p2 failed" } },
    { actor: "worker A", text: "COMMIT", outcome: rows("COMMIT", null), display: { counter: "1", rows: "p2 failed" } },
  ],
  results: { user: [{ returned: { reset: true } }] },
  violations: [
    {
      invariant: "counter = failed rows",
      way: "counter below rows",
      message: "failed_workers is 1, but 2 rows are failed",
    },
  ],
});

/** Two transactions lock two rows in opposite order; one is told so, fails, and its COMMIT rolls back. */
export const deadlock = counterexampleOf({
  initial: { runs: 2 },
  actors: [
    { name: "worker A", operations: [{ operation: "merge", parameters: { from: 1, into: 2 } }] },
    { name: "worker B", operations: [{ operation: "merge", parameters: { from: 2, into: 1 } }] },
  ],
  before: { totals: "1: 10, 2: 20" },
  steps: [
    { actor: "worker A", text: "BEGIN", outcome: rows("BEGIN", null), transaction: "open" },
    {
      actor: "worker A",
      text: "UPDATE runs SET total = 0 WHERE id = $1",
      values: [1],
      outcome: rows("UPDATE", 1),
      transaction: "open",
    },
    { actor: "worker B", text: "BEGIN", outcome: rows("BEGIN", null), transaction: "open" },
    {
      actor: "worker B",
      text: "UPDATE runs SET total = 0 WHERE id = $1",
      values: [2],
      outcome: rows("UPDATE", 1),
      transaction: "open",
    },
    {
      actor: "worker B",
      text: "UPDATE runs SET total = total + 20 WHERE id = $1",
      values: [1],
      outcome: rows("UPDATE", 1),
      wait: waited({ holders: ["worker A"], on: "row (id=1) of runs", until: 5 }),
      transaction: "open",
    },
    {
      actor: "worker A",
      text: "UPDATE runs SET total = total + 10 WHERE id = $1",
      values: [2],
      outcome: failure("40P01", "deadlock detected"),
      wait: waited({ holders: ["worker B"], lock: "ShareLock on transaction 812", until: 5 }),
      transaction: "failed",
    },
    { actor: "worker A", text: "COMMIT", outcome: rows("ROLLBACK", null), display: { totals: "1: 10, 2: 20" } },
    { actor: "worker B", text: "COMMIT", outcome: rows("COMMIT", null), display: { totals: "1: 30, 2: 0" } },
  ],
  results: { "worker A": [{ threw: { name: "DatabaseError", message: "deadlock detected", code: "40P01" } }] },
  violations: [
    {
      invariant: "no deadlock",
      way: "40P01",
      message: "worker A's merge(from 1, into 2) was the victim of a deadlock",
    },
  ],
});

/** Yield points, a second connection, an operation that took no step, and no display: the state is told at the end. */
export const yieldPoints = counterexampleOf({
  implementation: "queue",
  initial: null,
  actors: [
    {
      name: "worker",
      operations: [
        { operation: "idle", parameters: null },
        { operation: "take", parameters: { queue: "emails" } },
      ],
    },
    { name: "sweeper", operations: [{ operation: "expire", parameters: [30, "s"] }] },
  ],
  steps: [
    {
      actor: "worker",
      operation: 1,
      text: "SELECT id FROM jobs WHERE state = 'ready' ORDER BY id LIMIT 1",
      outcome: rows("SELECT", 1, [{ id: "1" }]),
    },
    { actor: "worker", operation: 1, kind: "yield", text: "between reading and taking", outcome: passed },
    {
      actor: "sweeper",
      text: "DELETE FROM jobs WHERE age > $1 RETURNING id",
      values: [30],
      outcome: rows("DELETE", 2, [{ id: 1 }, { id: 2 }]),
    },
    {
      actor: "worker",
      session: "worker#2",
      operation: 1,
      text: "INSERT INTO log (job, note) VALUES ($1, $2) ON CONFLICT (job) DO NOTHING",
      values: [1, null],
      outcome: rows("INSERT", 0),
    },
    {
      actor: "worker",
      operation: 1,
      text: "UPDATE jobs SET state = 'taken' WHERE id = $1",
      values: ["1"],
      outcome: rows("UPDATE", 0),
    },
  ],
  results: {
    worker: [{ returned: null }, { threw: { name: "Error", message: "job 1 is gone", code: null } }],
    sweeper: [{ returned: [1, 2] }],
  },
  violations: [
    { invariant: "no operation throws", way: "Error", message: "take(queue emails) threw Error: job 1 is gone" },
  ],
  state: {
    jobs: [],
    log: [
      { job: 1, note: null },
      { job: 2, note: "kept" },
    ],
  },
});

/** Three actors retry and fail at once; a unique violation reaches the code under test. */
export const threeActors = counterexampleOf({
  initial: { runs: 1, partitions: 2 },
  actors: [
    { name: "worker A", operations: [{ operation: "deliver", parameters: { partition: 1 } }] },
    { name: "worker B", operations: [{ operation: "deliver", parameters: { partition: 1 } }] },
    { name: "user", operations: [{ operation: "retry", parameters: { partition: 1 } }] },
  ],
  before: { counter: "0", rows: "none" },
  steps: [
    {
      actor: "worker A",
      text: "SELECT id FROM worker_runs WHERE partition_id = $1",
      values: [1],
      outcome: rows("SELECT", 0, []),
      display: { counter: "0", rows: "none" },
    },
    {
      actor: "worker B",
      text: "SELECT id FROM worker_runs WHERE partition_id = $1",
      values: [1],
      outcome: rows("SELECT", 0, []),
      display: { counter: "0", rows: "none" },
    },
    {
      actor: "worker B",
      text: "INSERT INTO worker_runs (partition_id, status) VALUES ($1, 'running')",
      values: [1],
      outcome: rows("INSERT", 1),
      display: { counter: "0", rows: "p1 running" },
    },
    {
      actor: "worker A",
      text: "INSERT INTO worker_runs (partition_id, status) VALUES ($1, 'running')",
      values: [1],
      outcome: failure("23505", 'duplicate key value violates unique constraint "worker_runs_partition_id_key"'),
      display: { counter: "0", rows: "p1 running" },
    },
    {
      actor: "user",
      text: "UPDATE run_metadata SET failed_workers = failed_workers - 1",
      outcome: rows("UPDATE", 1),
      display: { counter: "-1", rows: "p1 running" },
    },
  ],
  results: {
    "worker A": [
      {
        threw: {
          name: "DatabaseError",
          message: 'duplicate key value violates unique constraint "worker_runs_partition_id_key"',
          code: "23505",
        },
      },
    ],
    user: [{ returned: false }],
  },
  violations: [{ invariant: "counter is not negative", way: "negative", message: "failed_workers is -1" }],
});

const nasty =
  "a|b `c` ``d`` <script>alert(1)</script> \u001b[31mred\u001b[0m \u0000 \r\n \u202Eevil\u202C \u200F \u0085 \\| &amp; **x** _y_ [z](http://z) 表示 👩‍👩‍👧‍👦 é ﷽";

/** Everything that could break a table, a page or a terminal, everywhere it can stand. */
export const hostile = counterexampleOf({
  implementation: `im|pl ${nasty}`,
  initial: { [nasty]: nasty },
  actors: [
    { name: "工人|`甲`", operations: [{ operation: "do|it", parameters: { [nasty]: nasty } }] },
    { name: "usér <b>\u001b[7m", operations: [{ operation: "x", parameters: nasty }] },
  ],
  before: { "列|`": "值|`1`", "s\u001b": "\u202Ex" },
  steps: [
    {
      actor: "工人|`甲`",
      text: `SELECT '${nasty.replaceAll("'", "")}', "we|ird" /* ${nasty} */ -- ${nasty}\n || $1 FROM t WHERE x = $2`,
      values: [nasty, "表".repeat(500)],
      outcome: rows("SELECT", 1, [{ [nasty]: nasty }]),
      display: { "列|`": "值|`2`\n<br>", "s\u001b": "表示表示表示表示表示表示" },
    },
    {
      actor: "usér <b>\u001b[7m",
      text: `SELECT ${Array.from({ length: 800 }, (_, index) => `column_${index}`).join(", ")} FROM huge WHERE id IN (${"1, ".repeat(500)}1)`,
      outcome: failure("XX000", `could not\n${nasty}`),
      wait: waited({ holders: ["工人|`甲`"], on: `row (${nasty})`, until: 0 }),
      display: { "列|`": "值|`2`\n<br>", "s\u001b": "-" },
    },
    { actor: "usér <b>\u001b[7m", session: "other|`session", kind: "yield", text: nasty, outcome: passed },
    { actor: "工人|`甲`", text: `SELECT ${"x".repeat(10_000)}`, outcome: rows("SELECT", 3) },
    { actor: "工人|`甲`", text: "", outcome: rows("", null) },
    {
      actor: "工人|`甲`",
      text: "SELECT 'unterminated | `",
      values: [],
      outcome: failure(null, nasty),
      transaction: "failed",
    },
  ],
  results: {
    "工人|`甲`": [{ threw: { name: "E|`", message: nasty, code: "|" } }],
    "usér <b>\u001b[7m": [{ returned: nasty }],
  },
  violations: [{ invariant: nasty, way: nasty, message: nasty }],
});

/** Five actors: too many columns for a narrow terminal. */
export const manyActors = counterexampleOf({
  initial: { counter: 0 },
  actors: ["a", "b", "c", "d", "e"].map((name) => ({
    name: `worker ${name}`,
    operations: [{ operation: "increment", parameters: null }],
  })),
  before: { counter: "0" },
  steps: ["a", "b", "c", "d", "e"].flatMap((name, index) => [
    {
      actor: `worker ${name}`,
      text: "SELECT value FROM counters WHERE id = $1",
      values: [1],
      outcome: rows("SELECT", 1, [{ value: index }]),
      display: { counter: `${index}` },
    },
    {
      actor: `worker ${name}`,
      text: "UPDATE counters SET value = $2 WHERE id = $1",
      values: [1, index + 1],
      outcome: rows("UPDATE", 1),
      display: { counter: `${index + 1}` },
    },
  ]),
  violations: [{ invariant: "nothing is lost", way: "lost update", message: "counter is 4 after 5 increments" }],
});

export const counterexamples = { redelivery, lockWait, deadlock, yieldPoints, threeActors, hostile, manyActors };
