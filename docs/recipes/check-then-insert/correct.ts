import { pool } from "../database.js";

export const schema = `
  CREATE TABLE booking (room int NOT NULL, day date NOT NULL, guest text NOT NULL);
  CREATE UNIQUE INDEX one_guest ON booking (room, day)`;

export async function book(room: number, day: string, guest: string): Promise<boolean> {
  const { rowCount } = await pool.query("INSERT INTO booking VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [
    room,
    day,
    guest,
  ]);
  return rowCount === 1;
}
