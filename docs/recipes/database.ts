import pg from "pg";

// As in any application: one pool, made once, that knows nothing of raceproof.
export const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"] });

type Level = "READ COMMITTED" | "REPEATABLE READ" | "SERIALIZABLE";

/** Runs `work` in a transaction: committed once it returns, rolled back if it throws. */
export async function transaction<T>(work: (client: pg.PoolClient) => Promise<T>, level?: Level): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(level === undefined ? "BEGIN" : `BEGIN ISOLATION LEVEL ${level}`);
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

/** Runs `attempt` again, from its start, as long as Postgres answers 40001: could not serialize access. */
export async function retried<T>(attempt: () => Promise<T>, times = 5): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (times === 1 || (error as { code?: unknown }).code !== "40001") throw error;
    return retried(attempt, times - 1);
  }
}
