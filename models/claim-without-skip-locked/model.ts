import type { Pool } from "pg";
import { defineModel, fc } from "../../src/index.js";
import { transaction } from "../transaction.js";

interface Jobs {
  /** Takes the oldest job, and does it; null when there is none. */
  work(worker: string): Promise<number | null>;
}

const jobs = (pool: Pool, choose: string): Jobs => ({
  work: (worker) =>
    transaction(pool, async (client) => {
      const { rows } = await client.query<{ id: number }>(
        `UPDATE job SET state = 'claimed' WHERE id = (${choose}) RETURNING id`,
      );
      const [job] = rows;
      if (job === undefined) return null;
      await client.query("INSERT INTO done (job, worker) VALUES ($1, $2)", [job.id, worker]);
      return job.id;
    }),
});

/**
 * Chooses a job and claims it in one statement. The UPDATE of a second worker waits for the first one, then looks again
 * whether the row still has the id that was chosen, which it has; that it is no longer new was nobody's question.
 */
const broken = (pool: Pool): Jobs => jobs(pool, "SELECT id FROM job WHERE state = 'new' ORDER BY id LIMIT 1");

/** Locks the job as it chooses it, and passes over those that others have locked. */
const correct = (pool: Pool): Jobs =>
  jobs(pool, "SELECT id FROM job WHERE state = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED");

/**
 * Claim without SKIP LOCKED: two workers claim one job, in one statement each, and it looks atomic.
 *
 * Job queues in Postgres. A subquery that gives one value is evaluated once and not again after a lock wait, so the
 * second claim goes through. The correct code locks in the subquery; adding `AND state = 'new'` to the UPDATE is right, too,
 * but then workers wait for each other and go away with nothing.
 *
 * Smallest counterexample: 2 operations, 3 switches, one lock wait (claim | claim, waiting | COMMIT | the claim goes
 * through). The second must begin to wait before the first commits: no order of whole statements shows it.
 */
export default defineModel({
  name: "claim-without-skip-locked",
  schema: `
    CREATE TABLE job (id int PRIMARY KEY, state text NOT NULL);
    CREATE TABLE done (job int NOT NULL, worker text NOT NULL)`,
  implementations: {
    broken: { expect: { violates: ["a job is done once"] }, create: ({ pool }) => broken(pool) },
    correct: { expect: "holds", create: ({ pool }) => correct(pool) },
  },
  initial: fc.integer({ min: 1, max: 3 }),
  seed: (jobs) => ({ job: Array.from({ length: jobs }, (_, i) => ({ id: i + 1, state: "new" })) }),
  operations: {
    work: {
      parameters: fc.constant(null),
      describe: () => "work on a job",
      run: ({ implementation, actor }) => implementation.work(actor),
    },
  },
  actors: { "worker A": ["work"], "worker B": ["work"] },
  state: { done: "SELECT job, string_agg(worker, ', ' ORDER BY worker) AS workers, count(*) FROM done GROUP BY job" },
  invariants: {
    "a job is done once": ({ done = [] }) => {
      const twice = done.find(({ count }) => Number(count) > 1);
      return twice === undefined ? undefined : `job ${twice["job"]} was done by ${twice["workers"]}`;
    },
  },
});
