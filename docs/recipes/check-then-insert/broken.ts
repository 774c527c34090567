import { pool } from "../database.js";

export const schema = "CREATE TABLE booking (room int NOT NULL, day date NOT NULL, guest text NOT NULL)";

export async function book(room: number, day: string, guest: string): Promise<boolean> {
  const { rowCount } = await pool.query("SELECT 1 FROM booking WHERE room = $1 AND day = $2", [room, day]);
  if (rowCount !== 0) return false;
  await pool.query("INSERT INTO booking VALUES ($1, $2, $3)", [room, day, guest]);
  return true;
}
