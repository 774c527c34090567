import { retried, transaction } from "../database.js";

export async function withdraw(account: number, amount: number): Promise<boolean> {
  return retried(() =>
    transaction(async (client) => {
      const { rows } = await client.query("SELECT balance FROM account WHERE id = $1", [account]);
      if (rows[0].balance < amount) return false;
      const balance = rows[0].balance - amount;
      await client.query("UPDATE account SET balance = $2 WHERE id = $1", [account, balance]);
      return true;
    }, "SERIALIZABLE"),
  );
}
