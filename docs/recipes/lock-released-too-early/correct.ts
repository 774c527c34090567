import { transaction } from "../database.js";

// This lock ends with the transaction.
export async function issueInvoice(customer: string): Promise<number> {
  return transaction(async (client) => {
    await client.query("SELECT pg_advisory_xact_lock(1)");
    const { rows } = await client.query("SELECT coalesce(max(number), 0) + 1 AS next FROM invoice");
    await client.query("INSERT INTO invoice VALUES ($1, $2)", [rows[0].next, customer]);
    return rows[0].next;
  });
}
