import { pool } from "../database.js";

export async function tagId(name: string): Promise<number> {
  const { rows } = await pool.query(
    "INSERT INTO tag (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
    [name],
  );
  return rows[0].id;
}
