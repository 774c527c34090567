import { transaction } from "../database.js";

export async function buy(product: number, customer: string): Promise<boolean> {
  return transaction(async (client) => {
    const { rowCount } = await client.query("UPDATE product SET stock = stock - 1 WHERE id = $1 AND stock >= 1", [
      product,
    ]);
    if (rowCount === 0) return false;
    await client.query("INSERT INTO sale VALUES ($1, $2)", [product, customer]);
    return true;
  });
}
