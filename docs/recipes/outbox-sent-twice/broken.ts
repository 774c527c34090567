import { pool } from "../database.js";

export async function relay(send: (mail: string) => Promise<void>): Promise<void> {
  const { rows } = await pool.query("SELECT id, mail FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1");
  if (rows.length === 0) return;
  await send(rows[0].mail);
  await pool.query("UPDATE outbox SET sent_at = now() WHERE id = $1", [rows[0].id]);
}
