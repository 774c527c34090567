import { transaction } from "../database.js";

export async function transfer(from: number, to: number, amount: number): Promise<void> {
  await transaction(async (client) => {
    // Whoever touches both accounts locks them in the same order.
    for (const account of [from, to].toSorted((a, b) => a - b))
      await client.query("SELECT 1 FROM account WHERE id = $1 FOR UPDATE", [account]);
    await client.query("UPDATE account SET balance = balance - $2 WHERE id = $1", [from, amount]);
    await client.query("UPDATE account SET balance = balance + $2 WHERE id = $1", [to, amount]);
  });
}
