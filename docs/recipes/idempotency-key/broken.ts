import { pool } from "../database.js";

export async function charge(key: string, card: () => Promise<string>): Promise<string> {
  const { rows } = await pool.query("SELECT receipt FROM request WHERE key = $1", [key]);
  if (rows.length === 1) return rows[0].receipt;
  const receipt = await card();
  await pool.query("INSERT INTO request (key, receipt) VALUES ($1, $2) ON CONFLICT DO NOTHING", [key, receipt]);
  return receipt;
}
