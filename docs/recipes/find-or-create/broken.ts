import { pool } from "../database.js";

export async function tagId(name: string): Promise<number> {
  const found = await pool.query("SELECT id FROM tag WHERE name = $1", [name]);
  if (found.rowCount === 1) return found.rows[0].id;
  const made = await pool.query("INSERT INTO tag (name) VALUES ($1) RETURNING id", [name]);
  return made.rows[0].id;
}
