import { transaction } from "../database.js";

export async function relay(send: (mail: string) => Promise<void>): Promise<void> {
  await transaction(async (client) => {
    const { rows } = await client.query(
      "SELECT id, mail FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
    );
    if (rows.length === 0) return;
    await send(rows[0].mail);
    await client.query("UPDATE outbox SET sent_at = now() WHERE id = $1", [rows[0].id]);
  });
}
