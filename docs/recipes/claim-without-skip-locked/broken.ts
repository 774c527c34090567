import { transaction } from "../database.js";

// The subquery looks for a job. If somebody has just taken that one, the UPDATE waits for them, and then takes it all the
// same: it is still the row with that id.
export async function claim(worker: string): Promise<number | undefined> {
  return transaction(async (client) => {
    const { rows } = await client.query(
      `UPDATE job SET worker = $1
        WHERE id = (SELECT id FROM job WHERE worker IS NULL ORDER BY id LIMIT 1)
       RETURNING id`,
      [worker],
    );
    return rows[0]?.id;
  });
}
