import { transaction } from "../database.js";

export async function claim(worker: string): Promise<number | undefined> {
  return transaction(async (client) => {
    const { rows } = await client.query(
      `UPDATE job SET worker = $1
        WHERE id = (SELECT id FROM job WHERE worker IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [worker],
    );
    return rows[0]?.id;
  });
}
