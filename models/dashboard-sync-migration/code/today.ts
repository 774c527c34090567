import type { Pool } from "pg";
import { legacy } from "../../dashboard-sync/implementations/legacy.js";
import type { Version } from "./version.js";

/** What was found in production. */
export function today(pool: Pool): Version {
  return { name: "today's code", counts: true, piecemeal: true, ...legacy(pool) };
}
