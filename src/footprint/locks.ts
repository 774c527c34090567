import { mayOverlap, type Rows } from "./values.js";

/** Row locks from the weakest to the strongest. */
export const rowStrengths = ["KEY SHARE", "SHARE", "NO KEY UPDATE", "UPDATE"] as const;
export type RowStrength = (typeof rowStrengths)[number];

/** Table locks from the weakest to the strongest, as the parser numbers them from 1. */
export const tableModes = [
  "ACCESS SHARE",
  "ROW SHARE",
  "ROW EXCLUSIVE",
  "SHARE UPDATE EXCLUSIVE",
  "SHARE",
  "SHARE ROW EXCLUSIVE",
  "EXCLUSIVE",
  "ACCESS EXCLUSIVE",
] as const;
export type TableMode = (typeof tableModes)[number];

/** Something that one transaction can have and another one then waits for. */
export type Lock = RowLock | KeyClaim | TableLock | AdvisoryLock;

/** Rows of a table, locked by FOR UPDATE and the like, by a foreign key's check, or by being written. */
export interface RowLock {
  readonly kind: "row";
  readonly table: string;
  readonly rows: Rows;
  readonly strength: RowStrength;
  /** Whether the rows are updated or deleted: then who inserts the same key waits, too. */
  readonly written: boolean;
  /** Whether its session is sure to have the rows locked as strongly already. */
  readonly isHeld?: boolean;
}

/** A key put into a unique index: who puts the same one waits. */
export interface KeyClaim {
  readonly kind: "key";
  readonly table: string;
  readonly index: string;
  readonly rows: Rows;
}

export interface TableLock {
  readonly kind: "table";
  readonly table: string;
  readonly mode: TableMode;
}

export interface AdvisoryLock {
  readonly kind: "advisory";
  /** `bigint` or `int, int`; undefined for one that is not known. */
  readonly key: string | undefined;
  readonly shared: boolean;
  /** Whether it is kept beyond the transaction. */
  readonly session: boolean;
}

/** Whether two sessions cannot have both at once, as far as is known. */
export function excludes(a: Lock, b: Lock): boolean {
  if (a.kind === "advisory") return b.kind === "advisory" && advisoryExcludes(a, b);
  if (b.kind === "advisory" || a.table !== b.table) return false;
  if (a.kind === "table") return b.kind === "table" && tableConflicts[a.mode].includes(b.mode);
  if (b.kind === "table" || !mayOverlap(a.rows, b.rows)) return false;
  if (a.kind === "key") return b.kind === "key" ? a.index === b.index : b.written;
  if (b.kind === "key") return a.written;
  return a.isHeld !== true && b.isHeld !== true && rowExcludes(a.strength, b.strength);
}

/** "Conflicting Row-Level Locks" of Postgres' manual: the sum of two places along the order of strengths decides. */
function rowExcludes(a: RowStrength, b: RowStrength): boolean {
  return rowStrengths.indexOf(a) + rowStrengths.indexOf(b) >= 3;
}

const tableConflicts: Record<TableMode, readonly TableMode[]> = {
  "ACCESS SHARE": ["ACCESS EXCLUSIVE"],
  "ROW SHARE": ["EXCLUSIVE", "ACCESS EXCLUSIVE"],
  "ROW EXCLUSIVE": ["SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"],
  "SHARE UPDATE EXCLUSIVE": ["SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"],
  SHARE: ["ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"],
  "SHARE ROW EXCLUSIVE": tableModes.slice(2),
  EXCLUSIVE: tableModes.slice(1),
  "ACCESS EXCLUSIVE": tableModes,
};

function advisoryExcludes(a: AdvisoryLock, b: AdvisoryLock): boolean {
  const same = a.key === undefined || b.key === undefined || a.key === b.key;
  return same && !(a.shared && b.shared);
}
