import { transaction } from "../database.js";

export async function transfer(from: number, to: number, amount: number): Promise<void> {
  await transaction(async (client) => {
    await client.query("UPDATE account SET balance = balance - $2 WHERE id = $1", [from, amount]);
    await client.query("UPDATE account SET balance = balance + $2 WHERE id = $1", [to, amount]);
  });
}
