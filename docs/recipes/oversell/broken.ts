import { transaction } from "../database.js";

export async function buy(product: number, customer: string): Promise<boolean> {
  return transaction(async (client) => {
    const { rows } = await client.query("SELECT stock FROM product WHERE id = $1", [product]);
    if (rows[0].stock < 1) return false;
    await client.query("UPDATE product SET stock = stock - 1 WHERE id = $1", [product]);
    await client.query("INSERT INTO sale VALUES ($1, $2)", [product, customer]);
    return true;
  });
}
