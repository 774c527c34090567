import { transaction } from "../database.js";
import type { Supplier } from "./supplier.js";

// One connection from lock to COMMIT, which ends the lock.
export async function refill(product: number, supplier: Supplier): Promise<void> {
  const price = await supplier.price(product);
  await transaction(async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1)", [product]);
    const { rows } = await client.query("SELECT stock FROM product WHERE id = $1", [product]);
    const pieces = await supplier.order(product, price);
    await client.query("UPDATE product SET stock = $2 WHERE id = $1", [product, rows[0].stock + pieces]);
  });
}
