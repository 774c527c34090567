import { createHash } from "node:crypto";
import type { Queryable } from "../implementation.js";
import type { PartitionKey } from "../queue.js";

/** The analysis calls it by this name and does not show it. As text, which `pg` sends as it is. */
function hashToInt64(text: string): string {
  return createHash("sha256").update(text).digest().readBigInt64BE().toString();
}

/** As in the analysis. The lock belongs to the transaction that the statement runs in, and ends with it. */
export async function lockPartition(db: Queryable, { runId, partitionId }: PartitionKey): Promise<void> {
  await db.query(`SELECT pg_advisory_xact_lock($1)`, [hashToInt64(runId + partitionId)]);
}
