import { pool } from "../database.js";

export async function award(player: number, points: number): Promise<void> {
  await pool.query("UPDATE player SET points = points + $2 WHERE id = $1", [player, points]);
}
