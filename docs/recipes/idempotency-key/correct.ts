import { transaction } from "../database.js";

// The key is taken first. Who comes second waits for that row until the first has committed, and finds the receipt.
export async function charge(key: string, card: () => Promise<string>): Promise<string> {
  return transaction(async (client) => {
    const taken = await client.query("INSERT INTO request (key) VALUES ($1) ON CONFLICT DO NOTHING", [key]);
    if (taken.rowCount === 0) {
      const { rows } = await client.query("SELECT receipt FROM request WHERE key = $1", [key]);
      return rows[0].receipt;
    }
    const receipt = await card();
    await client.query("UPDATE request SET receipt = $2 WHERE key = $1", [key, receipt]);
    return receipt;
  });
}
