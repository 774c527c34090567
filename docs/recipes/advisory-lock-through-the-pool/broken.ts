import { pool } from "../database.js";
import type { Supplier } from "./supplier.js";

// Each query takes whatever connection is free. The lock belongs to one of them, and while the supplier is asked, the
// pool lends that one to somebody else: who then already has the lock.
export async function refill(product: number, supplier: Supplier): Promise<void> {
  const price = await supplier.price(product);
  await pool.query("SELECT pg_advisory_lock($1)", [product]);
  const { rows } = await pool.query("SELECT stock FROM product WHERE id = $1", [product]);
  const pieces = await supplier.order(product, price);
  await pool.query("UPDATE product SET stock = $2 WHERE id = $1", [product, rows[0].stock + pieces]);
  await pool.query("SELECT pg_advisory_unlock($1)", [product]);
}
