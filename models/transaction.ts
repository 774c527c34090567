import type { Pool, PoolClient } from "pg";

type Level = "READ COMMITTED" | "REPEATABLE READ" | "SERIALIZABLE";

/** Runs `body` in one transaction: committed once it returns, rolled back if it throws. */
export async function transaction<T>(
  pool: Pool,
  body: (client: PoolClient) => Promise<T>,
  level: Level = "READ COMMITTED",
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(level === "READ COMMITTED" ? "BEGIN" : `BEGIN ISOLATION LEVEL ${level}`);
    const result = await body(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

/** How often a transaction is tried: each failure means that another one has committed. */
const attempts = 5;

/** Runs `body` in a SERIALIZABLE transaction, and again from the start when Postgres finds no order that explains it. */
export async function serializable<T>(pool: Pool, body: (client: PoolClient) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction(pool, body, "SERIALIZABLE");
    } catch (error) {
      if (attempt === attempts || (error as { code?: unknown }).code !== "40001") throw error;
    }
  }
}
