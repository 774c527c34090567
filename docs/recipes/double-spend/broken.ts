import { transaction } from "../database.js";

// The balance is the sum of what was booked. READ COMMITTED, as Postgres has it unless told otherwise.
export async function pay(wallet: number, amount: number): Promise<boolean> {
  return transaction(async (client) => {
    const { rows } = await client.query("SELECT sum(amount)::int AS balance FROM entry WHERE wallet = $1", [wallet]);
    if (rows[0].balance < amount) return false;
    await client.query("INSERT INTO entry (wallet, amount) VALUES ($1, $2)", [wallet, -amount]);
    return true;
  });
}
