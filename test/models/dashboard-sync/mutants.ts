import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";
import type { Pool } from "pg";
import type { CheckOptions } from "../../../src/index.js";
import type { DashboardSync } from "../../../models/dashboard-sync/implementation.js";

/** A change of one place in the code of `fixed`. */
export interface Mutant {
  readonly name: string;
  /** Of the folder `implementations`. Default: `fixed.ts`. */
  readonly file?: string;
  /** Must occur in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Why no run could tell it from `fixed`; left out where one must. */
  readonly equivalent?: string;
  /** How it is caught where the usual budget is too small. */
  readonly caughtBy?: CheckOptions;
}

const readLocked = "WHERE run_id = $1 AND partition_id = $2 ${lock}`";
const countFailure =
  "await client.query(`UPDATE run_metadata SET failed_workers = failed_workers + 1 WHERE run_id = $1`, [item.runId]);";

/** What somebody might change without meaning harm. */
export const mutants: readonly Mutant[] = [
  // Locks and transactions.
  { name: "no lock", from: readLocked, to: "WHERE run_id = $1 AND partition_id = $2`" },
  {
    name: "no BEGIN",
    file: "with-transaction.ts",
    from: 'await client.query("BEGIN");',
    to: "",
  },
  {
    name: "COMMIT before the work",
    file: "with-transaction.ts",
    from: 'const result = await body(client);\n    await client.query("COMMIT");',
    to: 'await client.query("COMMIT");\n    const result = await body(client);',
  },
  { name: "no ROLLBACK", file: "with-transaction.ts", from: 'await client.query("ROLLBACK");', to: "" },
  {
    name: "COMMIT before the failure is counted",
    from: countFailure,
    to: `await client.query("COMMIT");\n${countFailure}`,
  },
  {
    name: "failure counted on a connection of its own",
    from: countFailure,
    to: countFailure.replace("client", "pool"),
  },
  {
    name: "the next attempt's work item is written on a connection of its own",
    from: "await client.query(`INSERT INTO work_item_outbox (item) VALUES ($1)`, [next]);",
    to: "await pool.query(`INSERT INTO work_item_outbox (item) VALUES ($1)`, [next]);",
    equivalent:
      "it may be sent of a retry that is then rolled back; but it is for an attempt that nobody has begun, whose message is dropped as outdated, and whose retry writes another",
  },
  {
    name: "flags before the worker run",
    from: "if (partition.completed) return;\n        await client.query(",
    to: "if (partition.completed) return;\n        await setFlags(client, item, { completed: true, failed: false });\n        await client.query(",
    equivalent: "within a transaction that holds the partition nobody sees in which order",
  },
  // Conditions.
  {
    name: "attempts are not compared",
    from: "partition.attempt === item.attempt ? body(client, partition) : undefined",
    to: "body(client, partition)",
  },
  {
    name: "a failure counts again",
    from: "if (partition.completed || partition.failed) return;",
    to: "if (partition.completed) return;",
  },
  {
    name: "a failure after a success",
    from: "if (partition.completed || partition.failed) return;",
    to: "if (partition.failed) return;",
  },
  { name: "a success counts again", from: "if (partition.completed) return;", to: "" },
  {
    name: "a success does not take a failure back",
    from: "if (partition.failed) await decrementFailed(client, item);",
    to: "",
  },
  {
    name: "a success always takes a failure back",
    from: "if (partition.failed) await decrementFailed(client, item);",
    to: "await decrementFailed(client, item);",
  },
  {
    name: "a success leaves the failed flag",
    from: "{ completed: true, failed: false }",
    to: "{ completed: true, failed: partition.failed }",
  },
  { name: "whatever is not failed can be retried, too", from: "if (!partition.failed) return;", to: "" },
  { name: "a retry begins no new attempt", from: "attempt: item.attempt + 1", to: "attempt: item.attempt" },
  {
    name: "a retry leaves the worker run",
    from: "`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2`",
    to: "`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2 AND status = 'running'`",
  },
  {
    name: "a retry does not decrement",
    from: "await decrementFailed(client, item);\n        await client.query(`INSERT",
    to: "await client.query(`INSERT",
  },
  {
    name: "a started worker run is running again",
    from: "ON CONFLICT (run_id, partition_id) DO NOTHING",
    to: "ON CONFLICT (run_id, partition_id) DO UPDATE SET status = 'running'",
  },
  {
    name: "a failure leaves the worker run",
    from: "DO UPDATE SET status = 'failed'",
    to: "DO UPDATE SET status = worker_runs.status",
  },
  { name: "no records", from: "records_processed = $3", to: "records_processed = 0 * $3" },
  {
    name: "the counter stops at zero",
    from: "failed_workers = failed_workers - 1",
    to: "failed_workers = GREATEST(0, failed_workers - 1)",
    equivalent: "it is decremented only where a flag was set, and so never at zero",
  },
  // The outbox.
  {
    name: "a failure counts for every run",
    from: "failed_workers = failed_workers + 1 WHERE run_id = $1`",
    to: "failed_workers = failed_workers + 1 WHERE run_id = $1 OR TRUE`",
  },
  { name: "a success leaves the error message", from: "error_message = NULL, ", to: "" },
  {
    name: "a failure of a worker run that there is already is an error",
    from: "ON CONFLICT (run_id, partition_id)\n         DO UPDATE SET status = 'failed', error_message = $4, completed_at = NOW()`",
    to: "`",
  },
  {
    name: "no work item for the retry",
    from: "await client.query(`INSERT INTO work_item_outbox (item) VALUES ($1)`, [next]);",
    to: "",
  },
  { name: "the work item of the attempt that is over", from: "VALUES ($1)`, [next]);", to: "VALUES ($1)`, [item]);" },
  {
    name: "forgotten before it is sent",
    from: "await send(item);\n          await repeat(() => pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id]));",
    to: "await repeat(() => pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id]));\n          await send(item);",
  },
  {
    name: "all forgotten after one is sent",
    from: "pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id])",
    to: "pool.query(`DELETE FROM work_item_outbox`)",
  },
  {
    name: "what comes before it is forgotten, too",
    from: "`DELETE FROM work_item_outbox WHERE id = $1`",
    to: "`DELETE FROM work_item_outbox WHERE id <= $1`",
  },
  {
    name: "what comes behind it is forgotten, too",
    from: "`DELETE FROM work_item_outbox WHERE id = $1`",
    to: "`DELETE FROM work_item_outbox WHERE id >= $1`",
  },
  {
    name: "one work item at a time",
    from: "FROM work_item_outbox ORDER BY id`",
    to: "FROM work_item_outbox ORDER BY id LIMIT 1`",
    // Two have to be owed when somebody relays: a crash, and two relays that read the same. It is the 58th of the last
    // example's orders.
    caughtBy: {
      strategy: "exhaustive",
      isolation: ["read committed"],
      faults: true,
      executions: 4_000,
      shrinkSeconds: 20,
    },
  },
  {
    name: "sent and not forgotten",
    from: "await repeat(() => pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id]));",
    to: "",
  },
  {
    name: "dead letters are dropped",
    from: 'recordDeadLetter: (item) => fail(item, "given up after too many deliveries")',
    to: "recordDeadLetter: async () => undefined",
  },
  // What Postgres gives up, and answers that get lost.
  {
    name: "40001 is passed on",
    file: "repeat.ts",
    from: 'code === "40001" || code === "40P01"',
    to: 'code === "40P01"',
  },
  {
    name: "40P01 is passed on",
    file: "repeat.ts",
    from: 'code === "40001" || code === "40P01"',
    to: 'code === "40001"',
  },
  {
    name: "a lost connection is passed on",
    file: "repeat.ts",
    from: "wasGivenUp(error) || isLostConnection(error)",
    to: "wasGivenUp(error)",
  },
  { name: "nothing is repeated", file: "repeat.ts", from: "const most = 10;", to: "const most = 1;" },
  // The dashboard.
  {
    name: "a page gives up at the first transient error",
    from: "repeat(() => dashboard.getRunDetails(runId))",
    to: "dashboard.getRunDetails(runId)",
  },
  {
    name: "a dashboard that reads in pieces",
    from: 'import { snapshotDashboard } from "./snapshot-dashboard.js";',
    to: 'import { todaysDashboard as snapshotDashboard } from "./todays-dashboard.js";',
  },
  {
    name: "a dashboard that counts flags",
    from: 'snapshotDashboard(pool, "run_metadata")',
    to: 'snapshotDashboard(pool, "partition_progress")',
    equivalent: "they are what the counter is, in every snapshot",
  },
  // Wider than one partition, or one run.
  {
    name: "locks any partition of the run",
    from: readLocked,
    to: "WHERE run_id = $1 AND (partition_id = $2 OR TRUE) ${lock}`",
  },
  {
    name: "locks the partition of any run",
    from: readLocked,
    to: "WHERE (run_id = $1 OR TRUE) AND partition_id = $2 ${lock}`",
  },
  {
    name: "a retry deletes the worker runs of the whole run",
    from: "`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2`",
    to: "`DELETE FROM worker_runs WHERE run_id = $1 AND (partition_id = $2 OR TRUE)`",
  },
  {
    name: "a retry deletes worker runs of other runs",
    from: "`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2`",
    to: "`DELETE FROM worker_runs WHERE (run_id = $1 OR TRUE) AND partition_id = $2`",
  },
  {
    name: "a retry resets the whole run",
    from: "SET failed = FALSE, attempt = $3, updated_at = NOW()\n           WHERE run_id = $1 AND partition_id = $2`",
    to: "SET failed = FALSE, attempt = $3, updated_at = NOW()\n           WHERE run_id = $1 AND (partition_id = $2 OR TRUE)`",
  },
  {
    name: "a retry resets partitions of other runs",
    from: "SET failed = FALSE, attempt = $3, updated_at = NOW()\n           WHERE run_id = $1 AND partition_id = $2`",
    to: "SET failed = FALSE, attempt = $3, updated_at = NOW()\n           WHERE (run_id = $1 OR TRUE) AND partition_id = $2`",
  },
  {
    name: "flags of the whole run",
    from: "completed = $3, failed = $4, updated_at = NOW() WHERE run_id = $1 AND partition_id = $2`",
    to: "completed = $3, failed = $4, updated_at = NOW() WHERE run_id = $1 AND (partition_id = $2 OR TRUE)`",
  },
  {
    name: "flags of other runs",
    from: "completed = $3, failed = $4, updated_at = NOW() WHERE run_id = $1 AND partition_id = $2`",
    to: "completed = $3, failed = $4, updated_at = NOW() WHERE (run_id = $1 OR TRUE) AND partition_id = $2`",
  },
  {
    name: "a success completes the worker runs of the whole run",
    from: "completed_at = NOW()\n           WHERE run_id = $1 AND partition_id = $2`",
    to: "completed_at = NOW()\n           WHERE run_id = $1 AND (partition_id = $2 OR TRUE)`",
  },
  {
    name: "a success completes worker runs of other runs",
    from: "completed_at = NOW()\n           WHERE run_id = $1 AND partition_id = $2`",
    to: "completed_at = NOW()\n           WHERE (run_id = $1 OR TRUE) AND partition_id = $2`",
  },
  {
    name: "a failure is taken back from every run",
    from: "failed_workers = failed_workers - 1 WHERE run_id = $1`",
    to: "failed_workers = failed_workers - 1 WHERE run_id = $1 OR TRUE`",
  },
  {
    name: "a success counts for every run",
    from: "completed_workers = completed_workers + 1 WHERE run_id = $1`",
    to: "completed_workers = completed_workers + 1 WHERE run_id = $1 OR TRUE`",
  },
  {
    name: "pages sum the records of all runs",
    file: "snapshot-dashboard.ts",
    from: "FROM worker_runs wr WHERE wr.run_id = rm.run_id) as records`",
    to: "FROM worker_runs wr) as records`",
  },
  {
    name: "a page shows the workers of all runs",
    file: "snapshot-dashboard.ts",
    from: "FROM worker_runs wr WHERE wr.run_id = rm.run_id) as workers",
    to: "FROM worker_runs wr) as workers",
  },
  // Other locks.
  {
    name: "a lock that others share",
    from: 'lock: Lock = "FOR UPDATE"): DashboardSync',
    to: 'lock: any = "FOR SHARE"): DashboardSync',
  },
  {
    name: "whoever comes second gives up",
    from: 'lock: Lock = "FOR UPDATE"): DashboardSync',
    to: 'lock: any = "FOR UPDATE NOWAIT"): DashboardSync',
  },
  {
    name: "a locked partition is passed over",
    from: "const partition = found.rows[0]!;\n        return partition.attempt === item.attempt",
    to: "const partition = (await client.query(`SELECT completed, failed, attempt FROM partition_progress WHERE run_id = $1 AND partition_id = $2 FOR UPDATE SKIP LOCKED`, [item.runId, item.partitionId])).rows[0]! ?? found.rows[0]!;\n        return partition.attempt === item.attempt",
    equivalent: "whoever comes here has the lock already",
  },
  // On connections of their own.
  {
    name: "a success counted on a connection of its own",
    from: "await client.query(`UPDATE run_metadata SET completed_workers",
    to: "await pool.query(`UPDATE run_metadata SET completed_workers",
  },
  {
    name: "the worker run deleted on a connection of its own",
    from: "await client.query(`DELETE FROM worker_runs",
    to: "await pool.query(`DELETE FROM worker_runs",
  },
  {
    name: "a worker run started on a connection of its own",
    // At READ COMMITTED it makes no difference: whoever holds the partition sees it at once.
    caughtBy: { isolation: ["repeatable read"] },
    from: "onPartition(item, async (client) => {\n        await client.query(",
    to: "onPartition(item, async (client) => {\n        await pool.query(",
  },
  {
    name: "the started worker run read on a connection of its own",
    from: "const run = await client.query<WorkerRun>(",
    to: "const run = await pool.query<WorkerRun>(",
  },
  {
    name: "a success written on a connection of its own",
    from: "if (partition.completed) return;\n        await client.query(",
    to: "if (partition.completed) return;\n        await pool.query(",
  },
  // Attempts.
  {
    name: "what an older attempt has to say counts, too",
    from: "partition.attempt === item.attempt ?",
    to: "partition.attempt >= item.attempt ?",
  },
  {
    name: "what a later attempt has to say counts, too",
    from: "partition.attempt === item.attempt ?",
    to: "partition.attempt <= item.attempt ?",
    equivalent: "a work item is sent once its attempt has begun, and never before",
  },
  {
    name: "a started worker run keeps the first attempt's work item",
    from: "DO NOTHING`,\n          [item.runId, item.partitionId, item],",
    to: "DO NOTHING`,\n          [item.runId, item.partitionId, { ...item, attempt: 0 }],",
  },
  {
    name: "a retry leaves the worker run, running",
    from: "`DELETE FROM worker_runs WHERE run_id = $1 AND partition_id = $2`",
    to: "`UPDATE worker_runs SET status = 'running', error_message = NULL WHERE run_id = $1 AND partition_id = $2`",
  },
  {
    name: "a dead letter keeps the first attempt's work item",
    from: "[item.runId, item.partitionId, item, errorMessage]",
    to: "[item.runId, item.partitionId, { ...item, attempt: 0 }, errorMessage]",
  },
  // Rows that are not there.
  {
    name: "a failure is written only where there is a worker run",
    from: "`INSERT INTO worker_runs (run_id, partition_id, status, payload, error_message, completed_at)\n         VALUES ($1, $2, 'failed', $3, $4, NOW())\n         ON CONFLICT (run_id, partition_id)\n         DO UPDATE SET status = 'failed', error_message = $4, completed_at = NOW()`",
    to: "`UPDATE worker_runs SET status = 'failed', payload = COALESCE(payload, $3::jsonb), error_message = $4, completed_at = NOW() WHERE run_id = $1 AND partition_id = $2`",
  },
  {
    name: "a failure leaves no error message",
    from: "DO UPDATE SET status = 'failed', error_message = $4,",
    to: "DO UPDATE SET status = 'failed', error_message = NULLIF($4, $4),",
  },
  // What goes wrong.
  {
    name: "a COMMIT that fails is taken for one that happened",
    file: "with-transaction.ts",
    from: 'await client.query("COMMIT");',
    to: 'await client.query("COMMIT").catch(() => undefined);',
  },
  { name: "the connection is kept", file: "with-transaction.ts", from: "client.release();", to: "" },
  { name: "an error is swallowed", file: "with-transaction.ts", from: "throw error;", to: "return undefined as T;" },
  {
    name: "repeated once",
    file: "repeat.ts",
    from: "const most = 10;",
    to: "const most = 2;",
    caughtBy: { isolation: ["serializable"] },
  },
  {
    name: "what is owed is read once",
    from: "const owed = await repeat(() =>\n          pool.query<{ id: string; item: WorkItem }>(`SELECT id, item FROM work_item_outbox ORDER BY id`),\n        );",
    to: "const owed = await pool.query<{ id: string; item: WorkItem }>(`SELECT id, item FROM work_item_outbox ORDER BY id`);",
  },
  {
    name: "what is sent is forgotten once",
    from: "await repeat(() => pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id]));",
    to: "await pool.query(`DELETE FROM work_item_outbox WHERE id = $1`, [id]);",
  },
  {
    name: "what comes last is sent first",
    from: "FROM work_item_outbox ORDER BY id`",
    to: "FROM work_item_outbox ORDER BY id DESC`",
    equivalent: "all of them are sent, and they are for different attempts or partitions",
  },
];

const models = fileURLToPath(new URL("../../../models/dashboard-sync", import.meta.url));

/**
 * The source of the file that a mutant changes, changed.
 *
 * @throws {Error} When the text to change is not there, or not only there: then the mutant is of a `fixed` that was.
 */
export function mutated({ name, file = "fixed.ts", from, to }: Mutant): string {
  const parts = readFileSync(path.join(models, "implementations", file), "utf8").split(from);
  if (parts.length !== 2)
    throw new Error(`mutant "${name}": what it changes occurs ${parts.length - 1} times in ${file}`);
  return parts.join(to);
}

/** The mutated code, loaded from a copy of the folder that is gone again. */
export async function load(mutant: Mutant): Promise<(pool: Pool) => DashboardSync> {
  const folder = mkdtempSync(path.join(tmpdir(), "mutant-"));
  const implementations = path.join(folder, "implementations");
  try {
    cpSync(models, folder, { recursive: true });
    writeFileSync(path.join(implementations, mutant.file ?? "fixed.ts"), mutated(mutant));
    const jiti = createJiti(import.meta.url, { moduleCache: false, fsCache: false });
    const module = await jiti.import<{ fixed: (pool: Pool) => DashboardSync }>(path.join(implementations, "fixed.ts"));
    return module.fixed;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
