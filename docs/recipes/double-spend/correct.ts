import { transaction } from "../database.js";

// There is no row to lock among those that are added up, as the one that matters is not there yet. The wallet's own will do.
export async function pay(wallet: number, amount: number): Promise<boolean> {
  return transaction(async (client) => {
    await client.query("SELECT 1 FROM wallet WHERE id = $1 FOR UPDATE", [wallet]);
    const { rows } = await client.query("SELECT sum(amount)::int AS balance FROM entry WHERE wallet = $1", [wallet]);
    if (rows[0].balance < amount) return false;
    await client.query("INSERT INTO entry (wallet, amount) VALUES ($1, $2)", [wallet, -amount]);
    return true;
  });
}
