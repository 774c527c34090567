import type { Step } from "./trace.js";

const quiet = new Set([
  "BEGIN",
  "START TRANSACTION",
  "START",
  "COMMIT",
  "ROLLBACK",
  "SET",
  "SHOW",
  "RESET",
  "SAVEPOINT",
  "RELEASE",
]);

const writes = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"]);

/** A query that calls nothing but what is known to write nothing. */
const plainSelect = /^\s*select\b(?!.*\binto\b)/is;
const calls = /\b(\w+)\s*\(/g;
const harmless = new Set(
  "select count sum min max avg coalesce nullif greatest least now in exists any all filter over values as from where and or not on lower upper length to_char date_trunc extract json_agg json_build_object jsonb_agg array_agg string_agg row_number pg_advisory_xact_lock pg_advisory_lock hashtext".split(
    " ",
  ),
);

/** What may fail, and have committed something all the same. */
const commitsByItself = /;\s*\S|^\s*(call|do)\b/i;

/** Tells after which steps an outside reader may see something else than before. */
export class Publications {
  /** Whether a statement that wrote no row may have written something all the same. */
  readonly #nothingCounts: boolean;
  /** Sessions whose open transaction may have written. */
  readonly #written = new Set<string>();

  /** @param schema A trigger for each statement writes even where no row is written. */
  constructor(schema: string) {
    this.#nothingCounts = /\bfor\s+each\s+statement\b|\bcreate\s+(or\s+replace\s+)?rule\b|\binstead\b/i.test(schema);
  }

  /** To be called for every step once it is over. */
  note(step: Step): boolean {
    const { kind, session, transaction, outcome, fault } = step;
    if (kind === "yield") return false;
    // Of an answer that is lost nobody knows what it was.
    const wrote = fault === "lost answer" || this.#mayWrite(step);
    if (transaction !== "none") {
      if (wrote) this.#written.add(session);
      return false;
    }
    const before = this.#written.delete(session);
    if (fault === "lost answer") return true;
    // What stood before the statement that failed, or was committed by a procedure, stays.
    if (outcome.kind !== "rows") return commitsByItself.test(step.text);
    if (outcome.command === "ROLLBACK") return false;
    return wrote || before;
  }

  #mayWrite({ outcome, text }: Step): boolean {
    // One that failed has written nothing, but for what stood before it in the same text, outside a transaction block.
    if (outcome.kind !== "rows") return false;
    const { command, rowCount } = outcome;
    const several = /;\s*\S/.test(text);
    if (quiet.has(command)) return several;
    if (writes.has(command) && rowCount === 0 && !several) return this.#nothingCounts || /^\s*with\b/i.test(text);
    if (command !== "SELECT" || !plainSelect.test(text)) return true;
    return several || [...text.matchAll(calls)].some(([, name]) => !harmless.has(name!.toLowerCase()));
  }
}
