import type { Step } from "./trace.js";

const quiet = new Set([
  "BEGIN",
  "START TRANSACTION",
  "START",
  "ROLLBACK",
  "SET",
  "SHOW",
  "RESET",
  "SAVEPOINT",
  "RELEASE",
]);

/** A query that calls nothing but what is known to write nothing. */
const plainSelect = /^\s*select\b(?!.*\binto\b)/is;
const calls = /\b(\w+)\s*\(/g;
const harmless = new Set(
  "select count sum min max avg coalesce nullif greatest least now in exists any all filter over values as from where and or not on lower upper length to_char date_trunc extract json_agg json_build_object jsonb_agg array_agg string_agg row_number pg_advisory_xact_lock pg_advisory_lock hashtext".split(
    " ",
  ),
);

/** Whether a step may have changed what an outside reader sees: it ended outside a transaction, and not without effect. */
export function mayPublish({ kind, transaction, outcome, text, fault }: Step): boolean {
  if (kind !== "statement" || transaction !== "none") return false;
  if (fault === "lost answer") return true;
  if (outcome.kind !== "rows" || quiet.has(outcome.command)) return false;
  if (outcome.command !== "SELECT" || !plainSelect.test(text)) return true;
  return [...text.matchAll(calls)].some(([, name]) => !harmless.has(name!.toLowerCase()));
}
