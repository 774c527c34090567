import { pool } from "../database.js";

export async function award(player: number, points: number): Promise<void> {
  const { rows } = await pool.query("SELECT points FROM player WHERE id = $1", [player]);
  await pool.query("UPDATE player SET points = $2 WHERE id = $1", [player, rows[0].points + points]);
}
