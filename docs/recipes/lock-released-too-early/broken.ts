import { transaction } from "../database.js";

// Everything between lock and unlock is exclusive. What it wrote is to be seen after COMMIT only, and the lock is free before.
export async function issueInvoice(customer: string): Promise<number> {
  return transaction(async (client) => {
    await client.query("SELECT pg_advisory_lock(1)");
    const { rows } = await client.query("SELECT coalesce(max(number), 0) + 1 AS next FROM invoice");
    await client.query("INSERT INTO invoice VALUES ($1, $2)", [rows[0].next, customer]);
    await client.query("SELECT pg_advisory_unlock(1)");
    return rows[0].next;
  });
}
