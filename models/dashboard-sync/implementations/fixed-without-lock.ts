import type { Pool } from "pg";
import type { DashboardSync } from "../implementation.js";
import { fixed } from "./fixed.js";

/**
 * `fixed`, but for its lock: whether two of its transactions mix is left to the isolation level. READ COMMITTED lets both
 * go on. REPEATABLE READ refuses the second of two that write the partition (40001, and the code tries again), but not one
 * that only read it before it created a worker run. SERIALIZABLE refuses that, too.
 */
export function fixedWithoutLock(pool: Pool): DashboardSync {
  return fixed(pool, "");
}
