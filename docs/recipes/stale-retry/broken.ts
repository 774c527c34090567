import { pool, retried, transaction } from "../database.js";

// Postgres does notice, and says 40001. What is tried again is the write alone, with what was read before.
export async function withdraw(account: number, amount: number): Promise<boolean> {
  const { rows } = await pool.query("SELECT balance FROM account WHERE id = $1", [account]);
  if (rows[0].balance < amount) return false;
  const balance = rows[0].balance - amount;
  await retried(() =>
    transaction(
      (client) => client.query("UPDATE account SET balance = $2 WHERE id = $1", [account, balance]),
      "SERIALIZABLE",
    ),
  );
  return true;
}
